// Package session lets another process drive a worker's training, a step at a time. The process asks in lines of JSON, each is
// answered by a line, and tensors lie in memory that both have mapped.
//
// The first line comes from here: what will lie where, and how many bytes it takes. The other process makes its memory that
// long and asks from then on:
//
//	{"do":"batch"}     {"samples":[5,0,2]}           the next step's samples; their inputs and labels lie in the memory
//	{"do":"step"}      {"step":1,"loss":2.302585}    trains it
//	{"do":"step","times":2}                          {"step":3,"loss":2.1,"losses":[2.2,2.1]}
//	{"do":"state"}     {"step":1}                    the state lies in the memory
//	{"do":"evaluate"}  {"step":1}                    the outputs for the inputs in the memory, or {"refused":"..."}
//	{"do":"finish"}    {"step":400}                  the last answer; all steps must be done
//
// An error ends the session. So does the end of the questions. What was done stays in the trace's folder, and a session of the
// same work goes on there: the first line says with which step. After a state that was damaged and made anew, "step" says so.
package session

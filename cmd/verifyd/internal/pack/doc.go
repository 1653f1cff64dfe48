// Package pack makes files of samples, as verify/data reads them, of tables, images and text.
//
// What is written is all that a job's data ever are: no hash depends on a decoder of Parquet, PNG or JPEG, and two decoders that
// differ make two data sets with two roots. Features are float32, each rounded once from what the table has; labels and tokens
// are narrowed only if nothing is lost. Images are never resized, tables never reordered.
//
// A file is there whole, under its name, or not at all. The package never opens a path that a file names.
package pack

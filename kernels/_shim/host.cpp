// The host of the shim: runs kernels for whoever writes requests to stdin, and answers on stdout.
// All numbers are little-endian words of 32 bits. A request begins with what is asked:
//
//   0 compute:  buffers, for each: words, content;  a plan
//               answer: the content of every buffer, in order
//   1 reserve:  words of the memory, which is zero and stays until the process ends
//   2 write:    first word, words, content
//   3 read:     first word, words
//               answer: the content
//   4 record:   calls, for each: operands, for each: first word, words;  a plan
//   5 run:      a routine, counted from 0 as they were recorded
//
//   plan:       words of workspace;  launches, for each:
//               length of name, name, grid[3], block[3], bytes of shared memory, arguments, for each:
//               kind (0 buffer, 1 workspace, 2 scalar), index, offset in words, word
//
// Every answer ends with the word "done". A workspace is poisoned before each plan.
//
// A buffer, a workspace and the memory end at a page that must not be touched, or with "descending"
// begin after one, so that accesses outside of them end the process. Any fault ends it, with a line on
// stderr. "descending" also runs the fibers of a warp, the warps and the blocks from the last to the first.
#include "cuda_shim.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

extern char __start_cuda_shared[] __attribute__((weak));
extern char __stop_cuda_shared[] __attribute__((weak));

namespace shim {
Fiber *current;
index3 block, block_dim, grid_dim;
char *dynamic_shared;
uint64_t slots[2][32][32];
Kernel *table;

static const size_t stack_size = 64 << 10, page = 4096;
static Fiber fibers[1024];
static void *main_sp;
static bool descending;
static const Kernel *kernel;
static const uint64_t *arguments;

static void report(const char *format, va_list args) {
  if (kernel) fprintf(stderr, "%s: ", kernel->name);
  vfprintf(stderr, format, args);
  fprintf(stderr, "\n");
}

[[noreturn]] void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  report(format, args);
  _exit(3);
}

extern "C" void shim_switch(void **from, void *to);
#if defined(__x86_64__)
// Saves the registers that a call preserves, changes stacks, restores.
asm(R"(
.text
.p2align 4
.globl shim_switch
.type shim_switch,@function
shim_switch:
 push %rbp
 push %rbx
 push %r12
 push %r13
 push %r14
 push %r15
 mov %rsp,(%rdi)
 mov %rsi,%rsp
 pop %r15
 pop %r14
 pop %r13
 pop %r12
 pop %rbx
 pop %rbp
 ret
)");
#else
#error "the shim changes stacks on x86-64 only"
#endif

void yield(Wait what) {
  current->wait = what;
  shim_switch(&current->sp, main_sp);
}

static void run_thread() {
  kernel->call(arguments);
  current->wait = DONE;
  void *gone;
  shim_switch(&gone, main_sp);
  abort();
}

static void start(Fiber *f) {
  // Stacks begin at different lines of their pages, or they would share few sets of the cache.
  void **sp = (void **)(f->stack + stack_size - 64 - 192 * f->lane);
  *--sp = nullptr; // keeps the stack of run_thread aligned as a call leaves it
  *--sp = (void *)run_thread;
  for (int i = 0; i < 6; i++) *--sp = nullptr;
  f->sp = sp;
  f->turn = 0;
  f->wait = RUN;
}

// at is the i-th of n in the order in which things run.
static int at(int i, int n) { return descending ? n - 1 - i : i; }

// run_warp runs the threads [from, to) until all wait for the block or are done.
static void run_warp(int from, int to) {
  int n = to - from;
  for (;;) {
    for (int i = 0; i < n; i++) {
      Fiber *f = &fibers[from + at(i, n)];
      if (f->wait != RUN) continue;
      current = f;
      shim_switch(&main_sp, f->sp);
    }
    int waiting = 0;
    for (int i = from; i < to; i++) waiting += fibers[i].wait == WARP;
    if (waiting == 0) return;
    if (waiting != n) fail("%d of the %d threads of a warp reach a shuffle or __syncwarp", waiting, n);
    for (int i = from; i < to; i++) fibers[i].wait = RUN;
  }
}

static void run_block(size_t shared) {
  if (__start_cuda_shared) memset(__start_cuda_shared, 0xff, (size_t)(__stop_cuda_shared - __start_cuda_shared));
  memset(dynamic_shared, 0xff, shared);
  int n = block_dim.x * block_dim.y * block_dim.z, warps = (n + 31) / 32;
  for (int i = 0; i < n; i++) {
    Fiber *f = &fibers[i];
    f->tid = index3{i % block_dim.x, i / block_dim.x % block_dim.y, i / (block_dim.x * block_dim.y)};
    f->lane = i & 31;
    f->warp = i >> 5;
    start(f);
  }
  for (;;) {
    for (int i = 0; i < warps; i++) {
      int w = at(i, warps);
      run_warp(w * 32, w * 32 + 32 < n ? w * 32 + 32 : n);
    }
    int waiting = 0;
    for (int i = 0; i < n; i++) waiting += fibers[i].wait == BLOCK;
    if (waiting == 0) return;
    if (waiting != n) fail("%d of the %d threads of a block reach __syncthreads", waiting, n);
    for (int i = 0; i < n; i++) fibers[i].wait = RUN;
  }
}

static void fault(int signal, siginfo_t *info, void *) {
  const char *what = signal == SIGILL ? "a misaligned access, or one outside of a shared array, in the code" : "an access outside of every buffer,";
  fail("%s at %p: block %d %d %d thread %d %d %d", what, info->si_addr,
       block.x, block.y, block.z, current ? current->tid.x : -1, current ? current->tid.y : -1, current ? current->tid.z : -1);
}
} // namespace shim

using namespace shim;

static bool take(void *p, size_t n) { return n == 0 || fread(p, 1, n, stdin) == n; }

static uint32_t number() {
  uint32_t u;
  if (!take(&u, 4)) fail("the request ends early");
  return u;
}

// Memory is a buffer between two pages that must not be touched.
struct Memory {
  char *base, *data;
  size_t size, mapped;
};

static Memory allocate(size_t words) {
  Memory m;
  m.size = 4 * words;
  size_t inner = (m.size + page - 1) / page * page;
  m.mapped = inner + 2 * page;
  m.base = (char *)mmap(nullptr, m.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (m.base == MAP_FAILED || (inner && mprotect(m.base + page, inner, PROT_READ | PROT_WRITE))) fail("no memory for %zu bytes", m.size);
  m.data = m.base + page + (descending ? 0 : inner - m.size);
  return m;
}

static const Kernel *find(const char *name) {
  for (Kernel *k = table; k; k = k->next)
    if (!strcmp(k->name, name)) return k;
  fail("no kernel is called %s", name);
}

// Bound is a launch with its kernel and the values of its arguments.
struct Bound {
  const Kernel *kernel;
  index3 grid, block;
  size_t shared;
  std::vector<uint64_t> values;
};

// Plan is the launches of one operator.
struct Plan {
  Memory workspace;
  std::vector<Bound> launches;
};

// launch reads one launch on buffers and a workspace.
static Bound launch(const std::vector<Memory> &buffers, const Memory &workspace) {
  Bound b;
  char name[256];
  uint32_t n = number();
  if (n >= sizeof(name) || !take(name, n)) fail("a name of %u bytes", n);
  name[n] = 0;
  kernel = b.kernel = find(name);
  uint32_t grid[3], dim[3];
  for (uint32_t &g : grid) g = number();
  for (uint32_t &d : dim) d = number();
  b.grid = index3{(int)grid[0], (int)grid[1], (int)grid[2]};
  b.block = index3{(int)dim[0], (int)dim[1], (int)dim[2]};
  uint64_t threads = (uint64_t)dim[0] * dim[1] * dim[2];
  if (threads == 0 || threads > 1024) fail("%llu threads in a block", (unsigned long long)threads);
  b.shared = number();
  if (b.shared > 227 << 10) fail("%zu bytes of shared memory", b.shared);
  uint32_t args = number();
  if (args != strlen(b.kernel->kinds)) fail("%u arguments, %zu needed", args, strlen(b.kernel->kinds));
  for (uint32_t i = 0; i < args; i++) {
    uint32_t kind = number(), index = number(), offset = number(), word = number();
    if ((kind == 2) != (b.kernel->kinds[i] == 'w')) fail("argument %u is of another kind", i);
    if (kind == 2) {
      b.values.push_back(word);
      continue;
    }
    if (kind == 0 && index >= buffers.size()) fail("argument %u is buffer %u of %zu", i, index, buffers.size());
    const Memory &m = kind == 0 ? buffers[index] : workspace;
    if (4 * (size_t)offset > m.size) fail("argument %u begins behind its buffer", i);
    b.values.push_back((uint64_t)(m.data + 4 * (size_t)offset));
  }
  kernel = nullptr;
  return b;
}

// plan reads a plan on buffers.
static Plan plan(const std::vector<Memory> &buffers) {
  Plan p;
  p.workspace = allocate(number());
  for (uint32_t n = number(); n > 0; n--) p.launches.push_back(launch(buffers, p.workspace));
  return p;
}

static void run(const Bound &b) {
  kernel = b.kernel;
  arguments = b.values.data();
  grid_dim = b.grid;
  block_dim = b.block;
  for (int z = 0; z < grid_dim.z; z++)
    for (int y = 0; y < grid_dim.y; y++)
      for (int x = 0; x < grid_dim.x; x++) {
        block = index3{at(x, grid_dim.x), at(y, grid_dim.y), at(z, grid_dim.z)};
        run_block(b.shared);
      }
  kernel = nullptr;
}

static void run(const Plan &p) {
  memset(p.workspace.data, 0xff, p.workspace.size);
  for (const Bound &b : p.launches) run(b);
}

static void fill(const Memory &m) {
  if (!take(m.data, m.size)) fail("the request ends early");
}

static void show(const Memory &m) {
  if (fwrite(m.data, 1, m.size, stdout) != m.size) fail("the answer cannot be written");
}

static void release(const Memory &m) { munmap(m.base, m.mapped); }

static void compute() {
  std::vector<Memory> buffers;
  for (uint32_t n = number(); n > 0; n--) {
    buffers.push_back(allocate(number()));
    fill(buffers.back());
  }
  Plan p = plan(buffers);
  run(p);
  for (const Memory &m : buffers) {
    show(m);
    release(m);
  }
  release(p.workspace);
}

static Memory memory;
static std::vector<std::vector<Plan>> routines;

// range reads a range of the memory.
static Memory range() {
  size_t first = number(), words = number();
  if (4 * (first + words) > memory.size) fail("words %zu to %zu are outside of the memory", first, first + words);
  return Memory{nullptr, memory.data + 4 * first, 4 * words, 0};
}

static void record() {
  std::vector<Plan> calls;
  for (uint32_t n = number(); n > 0; n--) {
    std::vector<Memory> operands;
    for (uint32_t k = number(); k > 0; k--) operands.push_back(range());
    calls.push_back(plan(operands));
  }
  routines.push_back(calls);
}

static void run_routine() {
  uint32_t n = number();
  if (n >= routines.size()) fail("routine %u of %zu", n, routines.size());
  for (const Plan &p : routines[n]) run(p);
}

static void serve(uint32_t what) {
  switch (what) {
  case 0: compute(); break;
  case 1: memory = allocate(number()); break;
  case 2: fill(range()); break;
  case 3: show(range()); break;
  case 4: record(); break;
  case 5: run_routine(); break;
  default: fail("request %u", what);
  }
  fwrite("done", 1, 4, stdout);
  if (fflush(stdout)) fail("the answer cannot be written");
}

int main(int argc, char **argv) {
  descending = argc > 1 && !strcmp(argv[1], "descending");
  for (Fiber &f : fibers) f.stack = (char *)aligned_alloc(64, stack_size);
  dynamic_shared = (char *)aligned_alloc(256, 256 << 10);
  stack_t alternate = {};
  alternate.ss_sp = malloc(1 << 16);
  alternate.ss_size = 1 << 16;
  sigaltstack(&alternate, nullptr);
  struct sigaction action = {};
  action.sa_sigaction = fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
  sigaction(SIGILL, &action, nullptr);
  for (uint32_t what; take(&what, 4);) serve(what);
  return 0;
}

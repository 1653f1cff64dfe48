// Gives the driver of driver.c the kernels of kernels/*.cu, run by the host of the shim.
#define main shim_main
#include "../../kernels/_shim/host.cpp"
#undef main

extern "C" const char *kernel_kinds(const char *name) {
  for (Kernel *k = table; k; k = k->next)
    if (!strcmp(k->name, name)) return k->kinds;
  return nullptr;
}

extern "C" void run_kernel(const char *name, const unsigned *dim, unsigned shared, const uint64_t *args) {
  if (!dynamic_shared) {
    for (Fiber &f : fibers) f.stack = (char *)aligned_alloc(64, stack_size);
    dynamic_shared = (char *)aligned_alloc(256, 256 << 10);
  }
  kernel = find(name);
  arguments = args;
  grid_dim = index3{(int)dim[0], (int)dim[1], (int)dim[2]};
  block_dim = index3{(int)dim[3], (int)dim[4], (int)dim[5]};
  for (int z = 0; z < grid_dim.z; z++)
    for (int y = 0; y < grid_dim.y; y++)
      for (int x = 0; x < grid_dim.x; x++) {
        block = index3{x, y, z};
        run_block(shared);
      }
  kernel = nullptr;
}

// sgd.go: SGD, contract.md section 9.2. Floor: 12 bytes an element, 20 with momentum.
#include "drn1.cuh"

// decayed is g', the gradient with the weight decay.
static __device__ __forceinline__ float decayed(float p, float g, float wd) { return wd != 0.0f ? drn1_mad(wd, p, g) : g; }

extern "C" __global__ void drn1_sgd(int n, float *p, const float *g, const float *scalars, float wd) {
  float lr = scalars[0];
  drn1_map2(n, p, g, p, [=](float v, float d) { return __fsub_rn(v, __fmul_rn(lr, decayed(v, d, wd))); });
}

extern "C" __global__ void drn1_sgd_momentum(int n, float *__restrict__ p, const float *__restrict__ g, float *__restrict__ buf,
                                             const float *__restrict__ scalars, float mu, float wd, int nesterov) {
  float lr = scalars[0], omd = scalars[1];
  auto step = [=](float &v, float d, float &b) {
    d = decayed(v, d, wd);
    b = drn1_mad(mu, b, __fmul_rn(omd, d));
    float u = nesterov ? drn1_mad(mu, b, d) : b;
    v = __fsub_rn(v, __fmul_rn(lr, u));
  };
  int base = blockIdx.x * 1024, t = threadIdx.x;
  if (base + 1024 <= n && drn1_is_vector(p) && drn1_is_vector(g) && drn1_is_vector(buf)) {
    float4 v = ((float4 *)(p + base))[t], d = ((const float4 *)(g + base))[t], b = ((float4 *)(buf + base))[t];
    step(v.x, d.x, b.x);
    step(v.y, d.y, b.y);
    step(v.z, d.z, b.z);
    step(v.w, d.w, b.w);
    ((float4 *)(p + base))[t] = v;
    ((float4 *)(buf + base))[t] = b;
    return;
  }
  for (int i = base + t; i < n && i < base + 1024; i += 256) step(p[i], g[i], buf[i]);
}

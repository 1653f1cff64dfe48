/* openblas.c: OpenBLAS behind a line protocol, so that its runs can alternate with ours.
 *
 *   stdin                          stdout
 *   (start)                        name and version of the library and of its kernel
 *   check M N K                    four elements of A*B: first, last of the first row, first of the last row, last
 *   gemm M N K REPS                wall and process nanoseconds of one product, REPS in a row
 *
 * A[i] = value(i, 1), B[i] = value(i, 2), row-major; value is the hash below, in [-0.5, 0.5).
 * OPENBLAS_NUM_THREADS says how many threads it uses.
 * Build: cc -O2 openblas.c -lopenblas
 */
#define _GNU_SOURCE
#include <cblas.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* SplitMix64's output function (Steele, Lea, Flood 2014), top 24 bits. */
static float value(uint64_t i, uint64_t seed) {
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15ULL + (seed << 32);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    return (float)(z >> 40) * 0x1p-24f - 0.5f;
}

static float *matrix(size_t n, uint64_t seed) {
    float *p = aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);
    if (p == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    for (size_t i = 0; i < n; i++)
        p[i] = value(i, seed);
    return p;
}

int main(void) {
    int m0 = 0, n0 = 0, k0 = 0;
    float *a = NULL, *b = NULL, *c = NULL;
    char line[256];

    printf("%s, %d thread%s\n", openblas_get_config(), openblas_get_num_threads(), openblas_get_num_threads() > 1 ? "s" : "");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        int m, n, k, reps = 1;
        int check = sscanf(line, "check %d %d %d", &m, &n, &k) == 3;
        int gemm = sscanf(line, "gemm %d %d %d %d", &m, &n, &k, &reps) == 4;
        if ((!check && !gemm) || m < 1 || n < 1 || k < 1 || m > 65536 || n > 65536 || k > 65536 || reps < 1) {
            printf("error unknown command\n");
            fflush(stdout);
            continue;
        }
        if (m != m0 || n != n0 || k != k0) {
            free(a), free(b), free(c);
            a = matrix((size_t)m * k, 1);
            b = matrix((size_t)k * n, 2);
            c = matrix((size_t)m * n, 3);
            m0 = m, n0 = n, k0 = k;
        }
        int64_t wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        for (int r = 0; r < reps; r++)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
        wall = now(CLOCK_MONOTONIC) - wall, cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        if (check)
            printf("%.9g %.9g %.9g %.9g\n", c[0], c[n - 1], c[(size_t)(m - 1) * n], c[(size_t)m * n - 1]);
        else
            printf("%lld %lld\n", (long long)(wall / reps), (long long)(cpu / reps));
        fflush(stdout);
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
// A library with the CUDA driver's functions and host memory behind them, so that every call of ours can be
// made without a GPU. Kernels are the product's own, compiled for the host with one thread to a block.
//
// FAKE_VERSION, FAKE_DEVICES, FAKE_MAJOR, FAKE_READ_ONLY and FAKE_JIT_ERROR make other drivers of it.
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef FAKE_VERSION
#define FAKE_VERSION 12080
#endif
#ifndef FAKE_DEVICES
#define FAKE_DEVICES 1
#endif
#ifndef FAKE_MAJOR
#define FAKE_MAJOR 9
#endif
#ifndef FAKE_READ_ONLY
#define FAKE_READ_ONLY 1
#endif

static thread_local unsigned this_block, all_blocks;
extern "C" unsigned block_index() { return this_block; }
extern "C" unsigned block_count() { return all_blocks; }
#include "kernels.cu"

enum { OK = 0, INVALID = 1, NO_MEMORY = 2, NO_DEVICE = 100, BAD_PTX = 218, BAD_CONTEXT = 201, NOT_FOUND = 500,
       NOT_READY = 600, ILLEGAL = 700 };

// Memory in the device and pinned together.
static const size_t memory_limit = 1u << 30;
static size_t allocated;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { void *base; size_t bytes; } regions[4096];
static int region_count, lost;
static int context_value, module_value;
static thread_local void *current;

// Every call needs a context of its thread, and a device that is there.
#define ENTER() do { if (current != &context_value) return BAD_CONTEXT; if (lost) return ILLEGAL; } while (0)

struct stream { int number; };
struct event { int is_waiting; struct worker *worker; };
struct entry_point { const char *name; int is_loaded; };
static entry_point functions[] = { { "medulla_gather" }, { "medulla_gather_persistent" },
				{ "medulla_bytes_to_float" }, { "medulla_integer_network" } };

struct worker {
	pthread_t thread;
	void *arguments[5];
	uint64_t values[5];
	unsigned blocks;
	int done;
	struct stream *stream;
};
static worker *workers[256];
static int worker_count;

static int add(void *base, size_t bytes)
{
	pthread_mutex_lock(&lock);
	int fits = region_count < 4096 && allocated + bytes <= memory_limit;
	if (fits) {
		regions[region_count].base = base;
		regions[region_count++].bytes = bytes;
		allocated += bytes;
	}
	pthread_mutex_unlock(&lock);
	return fits;
}

static int take(void *base)
{
	pthread_mutex_lock(&lock);
	int found = 0;
	for (int i = 0; i < region_count; i++)
		if (regions[i].base == base) {
			allocated -= regions[i].bytes;
			regions[i] = regions[--region_count];
			found = 1;
			break;
		}
	pthread_mutex_unlock(&lock);
	return found;
}

static int known(const void *at, size_t bytes)
{
	pthread_mutex_lock(&lock);
	int found = 0;
	for (int i = 0; i < region_count; i++)
		found |= (char *)at >= (char *)regions[i].base
			 && (char *)at + bytes <= (char *)regions[i].base + regions[i].bytes;
	pthread_mutex_unlock(&lock);
	return found;
}

static worker *running(stream *s)
{
	for (int i = worker_count - 1; i >= 0; i--)
		if (workers[i]->stream == s && !__atomic_load_n(&workers[i]->done, __ATOMIC_ACQUIRE))
			return workers[i];
	return 0;
}

static void *resident(void *argument)
{
	worker *w = (worker *)argument;
	// Warps take turns: each has a look or two at the ring before the next, until all have ended.
	all_blocks = w->blocks;
	u32 polls = (u32)w->values[4];
	for (u32 look = 0; look < polls; look++) {
		for (this_block = 0; this_block < all_blocks; this_block++)
			medulla_gather_persistent((const volatile ring_head *)w->values[0],
				(const piece *)w->values[1], (volatile u32 *)w->values[2],
				(u32)w->values[3], 1);
		if (((const volatile ring_head *)w->values[0])->stop)
			break;
	}
	__atomic_store_n(&w->done, 1, __ATOMIC_RELEASE);
	return 0;
}

extern "C" {
int cuInit(unsigned flags) { return flags ? INVALID : FAKE_DEVICES ? OK : NO_DEVICE; }
int cuDriverGetVersion(int *v) { *v = FAKE_VERSION; return OK; }
int cuDeviceGetCount(int *n) { *n = FAKE_DEVICES; return OK; }
int cuDeviceGet(int *d, int n) { *d = n + 40; return n < FAKE_DEVICES ? OK : INVALID; }
int cuDeviceGetName(char *name, int n, int d)
{
	if (d != 40 || n < 12) return INVALID;
	strcpy(name, "Fake device");
	return OK;
}
int cuDeviceTotalMem_v2(size_t *n, int d) { *n = memory_limit; return d == 40 ? OK : INVALID; }
int cuDeviceGetAttribute(int *value, int attribute, int d)
{
	if (d != 40) return INVALID;
	switch (attribute) {
	case 16: *value = 132; return OK;
	case 41: *value = 1; return OK;
	case 75: *value = FAKE_MAJOR; return OK;
	case 76: *value = 0; return OK;
	case 113: *value = FAKE_READ_ONLY; return OK;
	default: return INVALID;
	}
}
int cuDevicePrimaryCtxRetain(void **c, int d) { *c = &context_value; return d == 40 ? OK : INVALID; }
int cuDevicePrimaryCtxRelease_v2(int d) { return d == 40 ? OK : INVALID; }
int cuCtxSetCurrent(void *c) { current = c; return c == &context_value ? OK : INVALID; }
int cuMemHostRegister_v2(void *p, size_t n, unsigned flags)
{
	ENTER();
	if ((flags & ~8u) != 3 || known(p, 1)) return INVALID;
	return add(p, n) ? OK : NO_MEMORY;
}
int cuMemHostUnregister(void *p) { ENTER(); return take(p) ? OK : INVALID; }
int cuMemHostGetDevicePointer_v2(uint64_t *d, void *p, unsigned flags)
{
	ENTER();
	*d = (uint64_t)p;
	return flags == 0 && known(p, 1) ? OK : INVALID;
}
int cuMemAlloc_v2(uint64_t *d, size_t n)
{
	ENTER();
	void *p = 0;
	if (n > memory_limit || posix_memalign(&p, 512, n)) return NO_MEMORY;
	if (!add(p, n)) {
		free(p);
		return NO_MEMORY;
	}
	memset(p, 0xA5, n);
	*d = (uint64_t)p;
	return OK;
}
int cuMemFree_v2(uint64_t d)
{
	ENTER();
	if (!take((void *)d)) return INVALID;
	free((void *)d);
	return OK;
}
int cuMemHostAlloc(void **p, size_t n, unsigned flags)
{
	uint64_t d = 0;
	int result = flags == 3 ? cuMemAlloc_v2(&d, n) : INVALID;
	*p = (void *)d;
	return result;
}
int cuMemFreeHost(void *p) { return cuMemFree_v2((uint64_t)p); }
int cuStreamCreate(void **s, unsigned flags)
{
	ENTER();
	*s = malloc(sizeof(stream));
	return flags == 1 ? OK : INVALID;
}
int cuStreamDestroy_v2(void *s)
{
	for (int i = 0; i < worker_count; i++)
		if (workers[i]->stream == s && workers[i]->thread) {
			pthread_join(workers[i]->thread, 0);
			workers[i]->thread = 0;
		}
	free(s);
	return OK;
}
int cuStreamSynchronize(void *s)
{
	ENTER();
	while (running((stream *)s)) sched_yield();
	return OK;
}
int cuStreamWaitEvent(void *s, void *e, unsigned flags) { ENTER(); return s && e && !flags ? OK : INVALID; }
int cuEventCreate(void **e, unsigned flags)
{
	ENTER();
	*e = calloc(1, sizeof(event));
	return flags == 2 ? OK : INVALID;
}
int cuEventRecord(void *e, void *s)
{
	ENTER();
	((event *)e)->worker = running((stream *)s);
	return OK;
}
int cuEventQuery(void *e)
{
	ENTER();
	worker *w = ((event *)e)->worker;
	return w && !__atomic_load_n(&w->done, __ATOMIC_ACQUIRE) ? NOT_READY : OK;
}
int cuEventSynchronize(void *e)
{
	ENTER();
	while (cuEventQuery(e) == NOT_READY) sched_yield();
	return OK;
}
int cuEventDestroy_v2(void *e) { free(e); return OK; }
int cuMemcpyHtoDAsync_v2(uint64_t d, const void *p, size_t n, void *s)
{
	ENTER();
	if (!s || !known((void *)d, n)) return INVALID;
	memcpy((void *)d, p, n);
	return OK;
}
int cuMemcpyDtoHAsync_v2(void *p, uint64_t d, size_t n, void *s)
{
	ENTER();
	if (!s || !known((void *)d, n)) return INVALID;
	memcpy(p, (void *)d, n);
	return OK;
}
struct attributes { int order, source[2], destination[2]; unsigned flags; };
static int batch(uint64_t *d, uint64_t *p, size_t *n, size_t count, attributes *a, size_t *first, size_t kinds,
		 size_t *failed, void *s)
{
	ENTER();
	if (kinds != 1 || *first != 0 || a->order != 1 || a->flags || !s || !count) return INVALID;
	for (size_t i = 0; i < count; i++)
		if (cuMemcpyHtoDAsync_v2(d[i], (void *)p[i], n[i], s)) {
			*failed = i;
			return INVALID;
		}
	return OK;
}
int cuGetProcAddress_v2(const char *name, void **f, int version, uint64_t flags, int *status)
{
	*f = 0;
	*status = 1;
	if (flags || version > FAKE_VERSION || strcmp(name, "cuMemcpyBatchAsync")) return NOT_FOUND;
	if (version != 12080) return NOT_FOUND;
	*f = (void *)batch;
	*status = 0;
	return OK;
}
int cuModuleLoadDataEx(void **m, const char *text, unsigned count, int *options, void **values)
{
	ENTER();
	if (count != 2 || options[0] != 5 || options[1] != 6 || !strstr(text, ".version 6.0")) return INVALID;
#ifdef FAKE_JIT_ERROR
	strncpy((char *)values[0], "line 1: nothing is understood", (size_t)values[1]);
	return BAD_PTX;
#endif
	*m = &module_value;
	return OK;
}
int cuModuleGetFunction(void **f, void *m, const char *name)
{
	ENTER();
	for (entry_point &one : functions)
		if (m == &module_value && !strcmp(one.name, name)) {
			*f = &one;
			return OK;
		}
	return NOT_FOUND;
}
int cuFuncGetAttribute(int *value, int attribute, void *f)
{
	ENTER();
	*value = 32;
	((entry_point *)f)->is_loaded = 1;
	return attribute == 4 ? OK : INVALID;
}
int cuLaunchKernel(void *f, unsigned blocks, unsigned y, unsigned z, unsigned threads, unsigned ty, unsigned tz,
		   unsigned shared, void *s, void **p, void **extra)
{
	ENTER();
	// A kernel that is loaded at its first launch waits for all that runs.
	if (!((entry_point *)f)->is_loaded) return INVALID;
	if (y != 1 || z != 1 || ty != 1 || tz != 1 || shared || extra || !blocks || !threads || threads % 32)
		return INVALID;
#define ARGUMENT(type, n) (*(type *)p[n])
	all_blocks = blocks;
	int kernel = (int)((entry_point *)f - functions);
	if (kernel == 1) {
		worker *w = (worker *)calloc(1, sizeof(worker));
		for (int i = 0; i < 3; i++) w->values[i] = ARGUMENT(uint64_t, i);
		for (int i = 3; i < 5; i++) w->values[i] = ARGUMENT(u32, i);
		w->blocks = blocks * threads / 32;
		w->stream = (stream *)s;
		workers[worker_count++ % 256] = w;
		return pthread_create(&w->thread, 0, resident, w) ? INVALID : OK;
	}
	if (kernel == 0 && ARGUMENT(u32, 1) && !known(ARGUMENT(void *, 0), ARGUMENT(u32, 1) * sizeof(piece))) {
		// As on a device, the process's work there is over.
		lost = 1;
		return OK;
	}
	for (this_block = 0; this_block < blocks; this_block++)
		switch (kernel) {
		case 0: medulla_gather(ARGUMENT(const piece *, 0), ARGUMENT(u32, 1)); break;
		case 2: medulla_bytes_to_float(ARGUMENT(const u8 *, 0), ARGUMENT(float *, 1), ARGUMENT(u32, 2),
				ARGUMENT(float, 3), ARGUMENT(float, 4)); break;
		case 3: medulla_integer_network(ARGUMENT(const i64 *, 0), ARGUMENT(const i64 *, 1),
				ARGUMENT(i64 *, 2), ARGUMENT(i64 *, 3), ARGUMENT(u32, 4)); break;
		default: return INVALID;
		}
	return OK;
}
int cuGetErrorName(int result, const char **text)
{
	*text = result == ILLEGAL ? "CUDA_ERROR_ILLEGAL_ADDRESS" : result == NO_MEMORY
		? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_OF_THE_FAKE";
	return OK;
}
int cuGetErrorString(int result, const char **text) { *text = "said by the fake driver"; return OK; }
}

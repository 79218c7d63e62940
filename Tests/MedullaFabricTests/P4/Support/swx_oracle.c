/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a pipeline specification in DPDK's software switch: swx_oracle SPEC FRAMES BYTES BATCH
 *
 * FRAMES are frames of BYTES each, one behind the other, which come in by the only port in this order, BATCH
 * of them at once: before the next ones there is time for all that they need. What goes out by the port is
 * written to standard output.
 *
 * DPDK 22.11 makes C of a specification and loads that, for which it needs headers that are not installed;
 * its own parser reads the whole specification here, as a check, and what it consists of is then given to
 * the pipeline through the public functions, which translate every instruction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <rte_swx_pipeline.h>
#include <rte_swx_port_ring.h>

#define FIELDS 300
#define INSTRUCTIONS 200000
#define LINE 256
#define RING 1024
#define INSTRUCTIONS_A_BATCH 2000000

/* With --no-shconf nothing is in DPDK's folder, but it is made. */
static void remove_folder(void)
{
	rmdir(rte_eal_get_runtime_dir());
}

static void fail(const char *what, int code)
{
	fprintf(stderr, "swx_oracle: %s (%d)\n", what, code);
	exit(1);
}

static void check(int code, const char *what)
{
	if (code)
		fail(what, code);
}

static void *copy(const void *from, size_t bytes)
{
	void *to = malloc(bytes);

	if (!to)
		fail("no memory", 0);
	return memcpy(to, from, bytes);
}

/* The next line without comment, tabs and its end; 0 at the end of the file. */
static int next_line(FILE *file, char *line)
{
	while (fgets(line, LINE, file)) {
		char *start = line + strspn(line, "\t ");

		line[strcspn(line, "\n")] = 0;
		if (*start == ';' || !*start)
			continue;
		memmove(line, start, strlen(start) + 1);
		return 1;
	}
	return 0;
}

static void read_struct(struct rte_swx_pipeline *pipeline, FILE *file, const char *name)
{
	static struct rte_swx_field_params fields[FIELDS];
	char line[LINE], field[LINE];
	unsigned int count = 0, bits;

	while (next_line(file, line) && line[0] != '}') {
		if (count == FIELDS || sscanf(line, "bit<%u> %63s", &bits, field) != 2)
			fail(line, -1);
		fields[count].name = copy(field, strlen(field) + 1);
		fields[count++].n_bits = bits;
	}
	check(rte_swx_pipeline_struct_type_register(pipeline, name, fields, count, 0), name);
}

static void read_instructions(struct rte_swx_pipeline *pipeline, FILE *file)
{
	static const char *instructions[INSTRUCTIONS];
	char line[LINE];
	unsigned int count = 0;

	while (next_line(file, line) && line[0] != '}') {
		if (count == INSTRUCTIONS)
			fail("too many instructions", INSTRUCTIONS);
		instructions[count++] = copy(line, strlen(line) + 1);
	}
	check(rte_swx_pipeline_instructions_config(pipeline, instructions, count), "instructions");
	fprintf(stderr, "swx_oracle: %u instructions\n", count);
}

static void read_specification(struct rte_swx_pipeline *pipeline, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[LINE], name[LINE], type[LINE];
	unsigned int size;

	if (!file)
		fail(path, -1);
	while (next_line(file, line)) {
		if (sscanf(line, "struct %63s {", name) == 1)
			read_struct(pipeline, file, name);
		else if (sscanf(line, "header %63s instanceof %63s", name, type) == 2)
			check(rte_swx_pipeline_packet_header_register(pipeline, name, type), line);
		else if (sscanf(line, "metadata instanceof %63s", type) == 1)
			check(rte_swx_pipeline_packet_metadata_register(pipeline, type), line);
		else if (sscanf(line, "regarray %63s size %u initval 0", name, &size) == 2)
			check(rte_swx_pipeline_regarray_config(pipeline, name, size, 0), line);
		else if (!strncmp(line, "apply", 5))
			read_instructions(pipeline, file);
		else
			fail(line, -1);
	}
	fclose(file);
}

/* What DPDK's own parser says of the text. */
static void parse(const char *path)
{
	FILE *file = fopen(path, "r"), *code = fopen("/dev/null", "w");
	const char *message = "";
	uint32_t line = 0;

	if (!file || !code)
		fail(path, -1);
	if (rte_swx_pipeline_codegen(file, code, &line, &message))
		fail(message, (int)line);
	fclose(file);
	fclose(code);
}

static struct rte_swx_pipeline *build(const char *path)
{
	struct rte_swx_port_ring_reader_params in = { .name = "in", .burst_size = 1 };
	struct rte_swx_port_ring_writer_params out = { .name = "out", .burst_size = 1 };
	struct rte_swx_pipeline *pipeline = NULL;

	check(rte_swx_pipeline_config(&pipeline, "network", 0), "pipeline");
	check(rte_swx_pipeline_port_in_config(pipeline, 0, "ring", &in), "input port");
	check(rte_swx_pipeline_port_out_config(pipeline, 0, "ring", &out), "output port");
	read_specification(pipeline, path);
	check(rte_swx_pipeline_build(pipeline), "build");
	return pipeline;
}

/* Gives the next frames to the ring; how many there were. */
static unsigned int feed(struct rte_ring *ring, struct rte_mempool *pool, FILE *frames, unsigned int bytes,
			 unsigned int batch)
{
	unsigned int count;

	for (count = 0; count < batch; count++) {
		struct rte_mbuf *buffer = rte_pktmbuf_alloc(pool);

		if (!buffer)
			fail("no memory for a frame", (int)count);
		if (fread(rte_pktmbuf_append(buffer, (uint16_t)bytes), bytes, 1, frames) != 1) {
			rte_pktmbuf_free(buffer);
			break;
		}
		check(rte_ring_enqueue(ring, buffer), "ring");
	}
	return count;
}

static void take(struct rte_ring *ring, unsigned int bytes)
{
	void *buffer = NULL;

	while (!rte_ring_dequeue(ring, &buffer)) {
		if (rte_pktmbuf_data_len((struct rte_mbuf *)buffer) != bytes)
			fail("a frame of another size went out",
			     rte_pktmbuf_data_len((struct rte_mbuf *)buffer));
		fwrite(rte_pktmbuf_mtod((struct rte_mbuf *)buffer, void *), bytes, 1, stdout);
		rte_pktmbuf_free(buffer);
	}
}

int main(int argc, char **argv)
{
	char prefix[64];
	char *eal[] = { argv[0], "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "64",
			"-l", "0", "--log-level", "3", "--file-prefix", prefix };
	struct rte_swx_pipeline *pipeline;
	struct rte_mempool *pool;
	struct rte_ring *in, *out;
	unsigned int bytes, batch;
	FILE *frames;

	if (argc != 5)
		fail("SPEC FRAMES BYTES BATCH", argc);
	bytes = (unsigned int)atoi(argv[3]);
	batch = (unsigned int)atoi(argv[4]);
	frames = fopen(argv[2], "r");
	if (!frames || bytes > 1514 || batch >= RING)
		fail("frames", -1);
	snprintf(prefix, sizeof(prefix), "medulla-swx-%d", (int)getpid());
	atexit(remove_folder);
	if (rte_eal_init((int)(sizeof(eal) / sizeof(*eal)), eal) < 0)
		fail("DPDK does not start", rte_errno);
	pool = rte_pktmbuf_pool_create("frames", 2 * RING - 1, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	in = rte_ring_create("in", RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	out = rte_ring_create("out", RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!pool || !in || !out)
		fail("no memory for frames", rte_errno);
	parse(argv[1]);
	pipeline = build(argv[1]);
	while (feed(in, pool, frames, bytes, batch)) {
		rte_swx_pipeline_run(pipeline, INSTRUCTIONS_A_BATCH);
		rte_swx_pipeline_flush(pipeline);
		take(out, bytes);
	}
	rte_swx_pipeline_free(pipeline);
	rte_eal_cleanup();
	return 0;
}

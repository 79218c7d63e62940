// SPDX-License-Identifier: Apache-2.0
/*
 * A network function in C: counts frames and bytes, and passes all on. Where its host ends it waits for the
 * next.
 *
 *	cc -O2 -o count count.c -I/usr/local/include/medulla -L/usr/local/lib -lmedulla_nf
 *	./count /run/medulla/nf/CHAIN.sock FUNCTION
 */
#include "medulla_nf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BATCH 64
#define WAIT 100000000 // nanoseconds; then the counts are told
#define ABSENCE 100000 // microseconds between two looks for a host
#define PATIENCE 300   // of those looks

static uint64_t packets, bytes;

static void tell(struct medulla_nf *nf)
{
	medulla_nf_count(nf, "packets", packets);
	medulla_nf_count(nf, "bytes", bytes);
}

// Until the host has gone; 0, or a negative errno of what should not be.
static int serve(struct medulla_nf *nf)
{
	struct medulla_nf_frame frames[BATCH];

	for (;;) {
		const int count = medulla_nf_receive(nf, frames, BATCH, WAIT);

		if (count < 0)
			return count == -EPIPE ? 0 : count;
		for (int i = 0; i < count; i++) {
			packets++;
			bytes += frames[i].length;
			medulla_nf_return(nf, frames[i].place, frames[i].length, NF_NEXT);
		}
		if (count < BATCH)
			tell(nf);
	}
}

int main(int count, char **words)
{
	int error = 0, looks = 0;

	if (count != 3) {
		fprintf(stderr, "usage: count PATH FUNCTION\n");
		return 64;
	}
	while (looks < PATIENCE) {
		struct medulla_nf *nf;

		error = medulla_nf_attach(words[1], words[2], &nf);
		if (!error) {
			looks = 0;
			error = serve(nf);
			medulla_nf_detach(nf);
			if (error)
				break;
		}
		looks++;
		usleep(ABSENCE);
	}
	if (error)
		fprintf(stderr, "count: %s\n", strerror(-error));
	return error ? 1 : 0;
}

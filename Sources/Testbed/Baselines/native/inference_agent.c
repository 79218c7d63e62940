/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * The agent of user-space inference, as lean as it gets: one thread that maps the ring of reports and the
 * answers, infers with the snapshot that is compiled in, and writes. Only the wait is a system call.
 *
 *     agent REPORTS ANSWERS PROCESSOR WAY     (ids of the maps; processor or -1; `wait` or `poll`)
 *
 * Prints a line when it is ready. On standard input, `w` begins a new window of statistics; at its end the
 * agent prints the last window's as JSON and ends.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/resource.h>

#include "process.h"
#include "shape.h"
#include "network.h"
#include "user_space.h"

#define BUCKET_BITS 6 /* buckets of a power of two: times are kept within 1/64 */
#define BUCKETS ((64 - BUCKET_BITS) << BUCKET_BITS)
#define MOST_REPORTS 4096 /* of one turn */
#define CONTROL_EVERY 1024 /* empty looks at the ring between two at standard input, when polling */

_Static_assert(MEDULLA_INPUTS <= USER_SPACE_FEATURES && MEDULLA_OUTPUTS <= 2, "the controller's network");

struct window {
	unsigned long long reports;
	unsigned long long wakeups;
	unsigned long long sum_ns;
	unsigned long long max_ns;
	unsigned long long begin_ns;
	struct rusage begin;
	unsigned int buckets[BUCKETS];
};

static struct medulla_memory memory;
static struct window window;

static unsigned int bucket_of(unsigned long long value)
{
	int shift = value >> BUCKET_BITS ? 63 - BUCKET_BITS - __builtin_clzll(value) : 0;

	return (unsigned int)((shift << BUCKET_BITS) + (value >> shift));
}

static unsigned long long bucket_value(unsigned int bucket)
{
	unsigned int shift = bucket >> BUCKET_BITS ? (bucket >> BUCKET_BITS) - 1 : 0;

	return (unsigned long long)(bucket - (shift << BUCKET_BITS)) << shift;
}

static int64_t bounded(int64_t value, int64_t most)
{
	return value > most ? most : value < -most ? -most : value;
}

static void answer(const struct user_space_report *report, struct user_space_answer *answers)
{
	unsigned long long nanoseconds;
	int64_t features[MEDULLA_INPUTS], outputs[MEDULLA_OUTPUTS];
	int64_t action, verdict = USER_SPACE_NO_VERDICT;

	for (int i = 0; i < MEDULLA_INPUTS; i++)
		features[i] = report->features[i];
	medulla_infer(&network, &memory, features, outputs, 1);
	action = bounded(outputs[0], USER_SPACE_ACTION_MAX);
	if (MEDULLA_OUTPUTS > 1)
		verdict = bounded(outputs[MEDULLA_OUTPUTS - 1] >> 12, USER_SPACE_VERDICT_MAX);
	__atomic_store_n(&answers[report->place].word,
			 (__u64)report->decision << 32 | (__u32)action << 8 | (__u8)verdict,
			 __ATOMIC_RELEASE);
	nanoseconds = now_ns() - report->time_ns;
	window.reports++;
	window.sum_ns += nanoseconds;
	if (nanoseconds > window.max_ns)
		window.max_ns = nanoseconds;
	window.buckets[bucket_of(nanoseconds)]++;
}

/*
 * Answers the reports that are there, as libbpf reads a ring, at most so many that requests are heard too;
 * gives their number.
 */
static int drain(const struct ring *ring, struct user_space_answer *answers)
{
	unsigned long read = *ring->consumer, written;
	int count = 0, more;

	do {
		more = 0;
		written = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
		while (read < written && count < MOST_REPORTS) {
			const unsigned char *record = ring->data + (read & ring->mask);
			unsigned int header = __atomic_load_n((const unsigned int *)record, __ATOMIC_ACQUIRE);
			unsigned int bytes = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
			const struct user_space_report *report =
				(const struct user_space_report *)(record + BPF_RINGBUF_HDR_SZ);

			if (header & BPF_RINGBUF_BUSY_BIT)
				return count;
			more = 1;
			read += (bytes + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
			if (!(header & BPF_RINGBUF_DISCARD_BIT) && bytes == sizeof(*report) &&
			    report->place < USER_SPACE_PLACES) {
				answer(report, answers);
				count++;
			}
			__atomic_store_n(ring->consumer, read, __ATOMIC_SEQ_CST);
		}
	} while (more && count < MOST_REPORTS);
	return count;
}

static void begin_window(void)
{
	memset(&window, 0, sizeof(window));
	window.begin_ns = now_ns();
	getrusage(RUSAGE_SELF, &window.begin);
}

static double seconds(struct timeval from, struct timeval to)
{
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_usec - from.tv_usec) / 1e6;
}

static unsigned long long percentile(double share)
{
	unsigned long long left = (unsigned long long)(share * (double)window.reports);

	for (unsigned int bucket = 0; bucket < BUCKETS; bucket++) {
		if (left < window.buckets[bucket])
			return bucket_value(bucket);
		left -= window.buckets[bucket];
	}
	return window.max_ns;
}

static void print_window(void)
{
	struct rusage end;

	getrusage(RUSAGE_SELF, &end);
	printf("{\"answers\": %llu, \"wakeups\": %llu, \"seconds\": %.6f, \"user_seconds\": %.6f, "
	       "\"system_seconds\": %.6f, \"mean_ns\": %.1f, \"p50_ns\": %llu, \"p90_ns\": %llu, "
	       "\"p99_ns\": %llu, \"p999_ns\": %llu, \"max_ns\": %llu}\n",
	       window.reports, window.wakeups, (double)(now_ns() - window.begin_ns) / 1e9,
	       seconds(window.begin.ru_utime, end.ru_utime), seconds(window.begin.ru_stime, end.ru_stime),
	       window.reports ? (double)window.sum_ns / (double)window.reports : 0, percentile(0.5),
	       percentile(0.9), percentile(0.99), percentile(0.999), window.max_ns);
}

/* Reads what was asked; 0 when the agent is to end. */
static int obey(void)
{
	char request;
	ssize_t count = read(STDIN_FILENO, &request, 1);

	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (count <= 0)
		return 0;
	if (request == 'w')
		begin_window();
	return 1;
}

static void wait_and_answer(int map, const struct ring *ring, struct user_space_answer *answers)
{
	struct epoll_event events[2];
	struct epoll_event reports = { .events = EPOLLIN, .data.fd = map };
	struct epoll_event control = { .events = EPOLLIN, .data.fd = STDIN_FILENO };
	int poll = epoll_create1(EPOLL_CLOEXEC);

	if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, map, &reports) ||
	    epoll_ctl(poll, EPOLL_CTL_ADD, STDIN_FILENO, &control))
		fail("wait for reports");
	for (;;) {
		int count = epoll_wait(poll, events, 2, -1);

		if (count < 0 && errno != EINTR)
			fail("wait for reports");
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == STDIN_FILENO && !obey())
				return;
			if (events[i].data.fd == map)
				window.wakeups += drain(ring, answers) > 0;
		}
	}
}

static void poll_and_answer(const struct ring *ring, struct user_space_answer *answers)
{
	if (fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK))
		fail("set up standard input");
	for (unsigned int idle = 1;; idle++) {
		if (drain(ring, answers))
			window.wakeups++;
		if (idle % CONTROL_EVERY == 0 && !obey())
			return;
	}
}

int main(int count, char **arguments)
{
	struct user_space_answer *answers;
	struct ring ring;
	int reports;

	if (count != 5) {
		fprintf(stderr, "agent: needs REPORTS ANSWERS PROCESSOR WAY\n");
		return 2;
	}
	process_name = "agent";
	if (atoi(arguments[3]) >= 0)
		keep_to(atoi(arguments[3]));
	reports = open_identifier(BPF_MAP_GET_FD_BY_ID, arguments[1]);
	ring = open_ring(reports, USER_SPACE_RING_BYTES);
	answers = map_memory(open_identifier(BPF_MAP_GET_FD_BY_ID, arguments[2]),
			     USER_SPACE_PLACES * sizeof(*answers), PROT_READ | PROT_WRITE, 0);
	mlockall(MCL_CURRENT);
	begin_window();
	printf("ready\n");
	fflush(stdout);
	if (strcmp(arguments[4], "poll") == 0)
		poll_and_answer(&ring, answers);
	else
		wait_and_answer(reports, &ring, answers);
	print_window();
	return 0;
}

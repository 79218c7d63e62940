/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Features of a flow, each declared once: name, unit, formula, where it comes from, and the C that makes it
 * of `struct flow_state *f`. All are integers; what cannot be told yet is 0.
 *
 * Sources: CIC is CICFlowMeter, UNSW the data set UNSW-NB15, by the names that these give the feature. Where
 * they differ in detail from what stands here, the formula here counts: deviations are those of the
 * population, and lengths named `length` are of whole frames, `payload` of what CICFlowMeter calls a packet's
 * length.
 */
#ifndef MEDULLA_FLOW_FEATURES_H
#define MEDULLA_FLOW_FEATURES_H

#include "flow_state.h"

/* a · b, as two words. */
static __always_inline void flow_multiply(__u64 a, __u64 b, __u64 *high, __u64 *low)
{
	__u64 a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
	__u64 middle = a1 * b0 + (a0 * b0 >> 32);
	__u64 other = a0 * b1 + (middle & 0xffffffff);

	*high = a1 * b1 + (middle >> 32) + (other >> 32);
	*low = a * b;
}

/* high:low / divisor, by 32 bits at a time; divisor below 2^32. Rests by hand: BPF divides anew for each. */
static __always_inline void flow_divide(__u64 *high, __u64 *low, __u64 divisor)
{
	__u64 quotient = *high / divisor, rest = *high - quotient * divisor, upper, lower;

	*high = quotient;
	upper = rest << 32 | *low >> 32;
	quotient = upper / divisor;
	lower = (upper - quotient * divisor) << 32 | (*low & 0xffffffff);
	*low = quotient << 32 | lower / divisor;
}

/* floor((n·Σx² − (Σx)²) / n²): exact, whatever the values. */
static __always_inline __u64 flow_variance(const struct flow_series s)
{
	__u64 high, low, square_high, square_low, n = s.count;

	if (n < 2)
		return 0;
	flow_multiply(s.squares, n, &high, &low);
	high += s.squares_high * n;
	flow_multiply(s.sum, s.sum, &square_high, &square_low);
	high -= square_high + (low < square_low);
	low -= square_low;
	/* As it is with all but large and long flows. */
	if (!high)
		return low / n / n;
	flow_divide(&high, &low, n);
	flow_divide(&high, &low, n);
	return low;
}

/*
 * floor(sqrt(value)), by Newton's method from above. With value = m · 4^e and 1 <= m < 4 the first guess is
 * (m + 2) / sqrt(8) · 2^e, the tangent at m = 2: at most 6.1% too much; 0.18% after one step, 1.6e-6 after
 * two, 1.2e-12 after three, which is less than one at 2^32. Of whole numbers too no step leads below the
 * floor of the root.
 */
static __always_inline __u64 flow_root(__u64 value)
{
	__u32 exponent = (63 - __builtin_clzll(value | 1)) >> 1; /* e */
	__u64 mantissa = value << (62 - 2 * exponent) >> 32; /* m · 2^30 */
	__u64 root = (mantissa + (2ULL << 30)) * 23171 >> 14 >> (32 - exponent); /* 2^16 / sqrt(8) */

	if (!value)
		return 0;
	root = (root + value / root) >> 1;
	root = (root + value / root) >> 1;
	root = (root + value / root) >> 1;
	return root - (root >> 32 | (root * root > value));
}

static __always_inline __u64 flow_over(__u64 value, __u64 divisor)
{
	return divisor ? value / divisor : 0;
}

static __always_inline __u64 flow_mean(const struct flow_series s)
{
	return flow_over(s.sum, s.count);
}

static __always_inline __u64 flow_deviation(const struct flow_series s)
{
	return flow_root(flow_variance(s));
}

/* Both in one; the count stays below 2^32. */
static __always_inline struct flow_series flow_both(const struct flow_series *a, const struct flow_series *b)
{
	struct flow_series both = *a;

	if (!b->count)
		return both;
	both.least = !a->count || b->least < a->least ? b->least : a->least;
	both.most = b->most > a->most ? b->most : a->most;
	both.count += b->count;
	both.sum += b->sum;
	both.squares += b->squares;
	both.squares_high += b->squares_high + (both.squares < b->squares);
	return both;
}

/* In a second; `scale` times as much. What would overflow is divided first. */
static __always_inline __u64 flow_rate(__u64 amount, __u64 us, __u64 scale)
{
	const __u64 second = 1000000 * scale;

	if (!us)
		return 0;
	return amount < ~0ULL / second ? amount * second / us : amount / us * second;
}

static __always_inline __u64 flow_duration(const struct flow_state *f)
{
	return flow_gap(f->begun_us, f->last_us);
}

/* 0 when either was not seen. */
static __always_inline __u64 flow_since(__u64 from_us, __u64 to_us)
{
	return from_us && to_us ? flow_gap(from_us, to_us) : 0;
}

static __always_inline __u64 flow_packets(const struct flow_state *f)
{
	return (__u64)f->ways[0].lengths.count + f->ways[1].lengths.count;
}

static __always_inline __u64 flow_bytes(const struct flow_state *f)
{
	return f->ways[0].lengths.sum + f->ways[1].lengths.sum;
}

/* The active time that goes on counts too, when it has lasted. */
static __always_inline struct flow_series flow_actives(const struct flow_state *f)
{
	struct flow_series actives = f->actives;

	if (f->last_us > f->active_us)
		flow_add(&actives, flow_gap(f->active_us, f->last_us), 1);
	return actives;
}

/* 1000 · log2(count), for up to 2 · FLOW_PAYLOAD_BYTES half-bytes; the mask is for the verifier. */
static __always_inline __u32 flow_log_milli(__u32 count)
{
	static const __u16 logs[4 * FLOW_PAYLOAD_BYTES] = {
		0, 0, 1000, 1585, 2000, 2322, 2585, 2807, 3000, 3170, 3322, 3459,
		3585, 3700, 3807, 3907, 4000, 4087, 4170, 4248, 4322, 4392, 4459, 4524,
		4585, 4644, 4700, 4755, 4807, 4858, 4907, 4954, 5000, 5044, 5087, 5129,
		5170, 5209, 5248, 5285, 5322, 5358, 5392, 5426, 5459, 5492, 5524, 5555,
		5585, 5615, 5644, 5672, 5700, 5728, 5755, 5781, 5807, 5833, 5858, 5883,
		5907, 5931, 5954, 5977, 6000,
	};

	return logs[count & (4 * FLOW_PAYLOAD_BYTES - 1)];
}

/* Entropy of half-bytes, in thousandths of a bit: at most 4000. Counts of the sixteen lie in four words. */
static __always_inline __u64 flow_entropy(const struct flow_state *f)
{
	__u64 counts[4] = {}, sum = 0;
	__u32 halves = 2 * f->head_bytes;

	for (int i = 0; i < FLOW_PAYLOAD_BYTES; i++) {
		__u32 one = f->head[i] >> 4, other = f->head[i] & 15;

		if (i >= f->head_bytes)
			break;
		counts[one & 3] += 1ULL << (one >> 2) * 16;
		counts[other & 3] += 1ULL << (other >> 2) * 16;
	}
	for (int i = 0; i < 16; i++) {
		__u32 count = counts[i & 3] >> (i >> 2) * 16 & 0xffff;

		sum += count * flow_log_milli(count);
	}
	return halves ? flow_log_milli(halves) - sum / halves : 0;
}

static __always_inline __u64 flow_head_word(const struct flow_state *f, int at)
{
	return (__u64)f->head[at] << 24 | (__u64)f->head[at + 1] << 16 | (__u64)f->head[at + 2] << 8 |
	       f->head[at + 3];
}

#define FLOW_AHEAD (&f->ways[FLOW_FORWARD])
#define FLOW_BACK (&f->ways[FLOW_BACKWARD])
#define FLOW_BOTH(series) flow_both(&f->ways[0].series, &f->ways[1].series)

/* Four features of a series of one kind. */
#define FLOW_SERIES(X, name, unit, what, source, series)                                                   \
	X(name##_minimum, unit, "minimum of " what, source " Min", (series).least)                         \
	X(name##_mean, unit, "sum / count of " what, source " Mean", flow_mean(series))                     \
	X(name##_maximum, unit, "maximum of " what, source " Max", (series).most)                          \
	X(name##_deviation, unit, "sqrt(variance of the population) of " what, source " Std",               \
	  flow_deviation(series))

/* Features of one direction: `way` is its name and `at` its struct flow_way. */
#define FLOW_WAY(X, way, cic, unsw, at)                                                                    \
	X(packets_##way, "packets", "frames, " #way, "CIC Total " cic " Packet; UNSW " unsw "pkts",        \
	  (at)->lengths.count)                                                                              \
	X(bytes_##way, "bytes", "sum of frame lengths, " #way, "UNSW " unsw "bytes", (at)->lengths.sum)    \
	X(payload_##way, "bytes", "sum of payload lengths, " #way, "CIC Total Length of " cic " Packet",   \
	  (at)->payloads.sum)                                                                               \
	FLOW_SERIES(X, length_##way, "bytes", "frame lengths, " #way, "nDPI Pkt Len " #way,                \
		    (at)->lengths)                                                                         \
	FLOW_SERIES(X, payload_##way, "bytes", "payload lengths, " #way,                                    \
		    "CIC " cic " Packet Length, Segment Size Avg; UNSW " unsw "mean", (at)->payloads)      \
	X(gap_##way##_total, "us", "sum of gaps between packets, " #way, "CIC " cic " IAT Total",          \
	  (at)->gaps.sum)                                                                                   \
	FLOW_SERIES(X, gap_##way, "us", "gaps between packets, " #way,                                      \
		    "CIC " cic " IAT; UNSW " unsw "inpkt", (at)->gaps)                                     \
	X(jitter_##way, "us", "mean of |difference| of neighbouring gaps, " #way, "UNSW " unsw "jit",      \
	  flow_over((at)->jitter, (at)->gaps.count > 1 ? (at)->gaps.count - 1 : 0))                         \
	X(packet_rate_##way, "1/1000 packets/s", "packets / duration, " #way, "CIC " cic " Packets/s",     \
	  flow_rate((at)->lengths.count, flow_duration(f), 1000))                                           \
	X(bit_rate_##way, "bits/s", "8 * bytes / duration, " #way, "UNSW " unsw "load",                    \
	  flow_rate((at)->lengths.sum, flow_duration(f), 8))                                                \
	X(pushes_##way, "packets", "packets with TCP's PSH, " #way, "CIC " cic " PSH Flags", (at)->pushes) \
	X(urgents_##way, "packets", "packets with TCP's URG, " #way, "CIC " cic " URG Flags",              \
	  (at)->urgents)                                                                                    \
	X(headers_##way, "bytes", "sum of network and transport headers, " #way,                           \
	  "CIC " cic " Header Length", (at)->headers)                                                       \
	X(header_##way##_minimum, "bytes", "minimum of network and transport headers, " #way,              \
	  "CIC " cic " Seg Size Min", (at)->least_header)                                                   \
	X(data_packets_##way, "packets", "packets with payload, " #way, "CIC " cic " Act Data Pkts",       \
	  (at)->data_packets)                                                                               \
	X(repeated_##way, "packets", "TCP packets with payload that was sent before, " #way,               \
	  "UNSW " unsw "loss, of what its own direction shows", (at)->repeated)                             \
	X(window_##way, "TCP's units", "TCP window of the first packet, " #way,                            \
	  "CIC " cic " Init Win Bytes; UNSW " unsw "win", (at)->window)                                     \
	X(hops_##way, "hops", "time to live or hop limit of the first packet, " #way, "UNSW " unsw "ttl",  \
	  (at)->hops)                                                                                       \
	X(first_sequence_##way, "bytes", "TCP sequence number of the first packet, " #way,                 \
	  "UNSW " unsw "tcpb", (at)->first_sequence)                                                        \
	X(subflow_packets_##way, "packets", "packets / subflows, " #way, "CIC Subflow " cic " Packets",    \
	  flow_over((at)->lengths.count, (__u64)f->subflows + 1))                                           \
	X(subflow_bytes_##way, "bytes", "payload / subflows, " #way, "CIC Subflow " cic " Bytes",          \
	  flow_over((at)->payloads.sum, (__u64)f->subflows + 1))                                            \
	X(bulk_bytes_##way, "bytes", "payload of bulks / bulks, " #way, "CIC " cic " Bytes/Bulk Avg",      \
	  flow_over((at)->bulk_bytes, (at)->bulks))                                                         \
	X(bulk_packets_##way, "packets", "packets of bulks / bulks, " #way, "CIC " cic " Packet/Bulk Avg", \
	  flow_over((at)->bulk_packets, (at)->bulks))                                                       \
	X(bulk_rate_##way, "bytes/s", "payload of bulks / their time, " #way, "CIC " cic " Bulk Rate Avg", \
	  flow_rate((at)->bulk_bytes, (at)->bulk_us, 1))

#define FLOW_FLAG(X, name, bit, flag)                                                                       \
	X(name##_flags, "packets", "packets with TCP's " flag ", both directions",                         \
	  "CIC " flag " Flag Count", f->flags[bit])

#define FLOW_RECENTLY(X, place, nth)                                                                        \
	X(recent_bytes_##place, "bytes", "bytes so far of the " nth " flow before it of the same two hosts", \
	  "LiteFlow section 5.2; FLUX", f->past.recent[(place) - 1].bytes)                                  \
	X(recent_gap_##place, "us", "from the beginning of the " nth                                        \
	  " flow before it of the same two hosts to its own", "LiteFlow section 5.2; FLUX",                 \
	  flow_since(f->past.recent[(place) - 1].begun_us, f->begun_us))

#define FLOW_LIKE(X, name, kind, of, unsw)                                                                  \
	X(last_##name, "flows", "of the 100 flows that began before it, those with the same " of,          \
	  "UNSW " unsw ", which goes by when flows were last seen", f->past.alike >> (kind) * 8 & 0xff)

#define FLOW_HEAD(X, place, at)                                                                             \
	X(head_##place, "bytes as a number", "bytes " #at " to " #at "+3 of the first payload",            \
	  "first payload bytes", flow_head_word(f, at))

/* X(name, unit, formula, source, C) */
#define FLOW_FEATURES(X)                                                                                    \
	X(protocol, "number", "IP's protocol", "CIC Protocol; UNSW proto", f->protocol)                    \
	X(version, "number", "IP's version", "IP", f->version)                                             \
	X(source_port, "number", "source port of the first packet", "CIC Src Port; UNSW sport",            \
	  (__u64)packet_word((const __u8 *)&f->ports[0]))                                                   \
	X(destination_port, "number", "destination port of the first packet", "CIC Dst Port; UNSW dsport", \
	  (__u64)packet_word((const __u8 *)&f->ports[1]))                                                   \
	X(same_ends, "0 or 1", "both addresses and both ports are the same", "UNSW is_sm_ips_ports",       \
	  f->same_ends)                                                                                     \
	X(duration, "us", "last packet's time - first packet's", "CIC Flow Duration; UNSW dur",            \
	  flow_duration(f))                                                                                 \
	X(packets, "packets", "frames, both directions", "sum of CIC Total Fwd and Bwd Packet",            \
	  flow_packets(f))                                                                                  \
	X(bytes, "bytes", "sum of frame lengths, both directions", "sum of UNSW sbytes and dbytes",        \
	  flow_bytes(f))                                                                                    \
	FLOW_WAY(X, forward, "Fwd", "s", FLOW_AHEAD)                                                        \
	FLOW_WAY(X, backward, "Bwd", "d", FLOW_BACK)                                                        \
	FLOW_SERIES(X, length, "bytes", "frame lengths, both directions", "nDPI Pkt Len",                  \
		    FLOW_BOTH(lengths))                                              \
	FLOW_SERIES(X, payload, "bytes", "payload lengths, both directions",                                \
		    "CIC Packet Length, Average Packet Size", FLOW_BOTH(payloads))                         \
	X(payload_variance, "bytes^2", "variance of the population of payload lengths, both directions",   \
	  "CIC Packet Length Variance", flow_variance(FLOW_BOTH(payloads)))          \
	FLOW_SERIES(X, gap, "us", "gaps between packets, both directions", "CIC Flow IAT", f->gaps)       \
	X(packet_rate, "1/1000 packets/s", "packets / duration", "CIC Flow Packets/s; UNSW rate",          \
	  flow_rate(flow_packets(f), flow_duration(f), 1000))                                               \
	X(payload_rate, "bytes/s", "payload / duration, both directions", "CIC Flow Bytes/s",              \
	  flow_rate(f->ways[0].payloads.sum + f->ways[1].payloads.sum, flow_duration(f), 1))                \
	X(down_up_ratio, "1/1000", "1000 * packets backward / packets forward", "CIC Down/Up Ratio",       \
	  flow_over(1000ULL * FLOW_BACK->lengths.count, FLOW_AHEAD->lengths.count))                         \
	FLOW_FLAG(X, fin, 0, "FIN")                                                                         \
	FLOW_FLAG(X, syn, 1, "SYN")                                                                         \
	FLOW_FLAG(X, rst, 2, "RST")                                                                         \
	FLOW_FLAG(X, psh, 3, "PSH")                                                                         \
	FLOW_FLAG(X, ack, 4, "ACK")                                                                         \
	FLOW_FLAG(X, urg, 5, "URG")                                                                         \
	FLOW_FLAG(X, ece, 6, "ECE")                                                                         \
	FLOW_FLAG(X, cwr, 7, "CWR")                                                                         \
	X(handshake_answer, "us", "from TCP's SYN to SYN and ACK", "UNSW synack",                          \
	  flow_since(f->asked_us, f->answered_us))                                                          \
	X(handshake_settled, "us", "from TCP's SYN and ACK to the ACK of it", "UNSW ackdat",               \
	  flow_since(f->answered_us, f->settled_us))                                                        \
	X(handshake, "us", "from TCP's SYN to the ACK of the SYN and ACK", "UNSW tcprtt",                  \
	  flow_since(f->asked_us, f->settled_us))                                                           \
	FLOW_SERIES(X, active, "us", "times without a gap above 5 s", "CIC Active",                        \
		    flow_actives(f))                                                 \
	FLOW_SERIES(X, idle, "us", "gaps above 5 s", "CIC Idle", f->idles)                                \
	X(head_bytes, "bytes", "bytes of the first payload that are looked at, at most 32",                 \
	  "first payload bytes", f->head_bytes)                                                             \
	X(head_entropy, "1/1000 bits", "entropy of the half-bytes of the first payload's first 32 bytes",   \
	  "entropy class of the first payload", flow_entropy(f))                                            \
	FLOW_HEAD(X, 1, 0)                                                                                  \
	FLOW_HEAD(X, 2, 4)                                                                                  \
	FLOW_HEAD(X, 3, 8)                                                                                  \
	FLOW_HEAD(X, 4, 12)                                                                                 \
	FLOW_RECENTLY(X, 1, "first")                                                                        \
	FLOW_RECENTLY(X, 2, "second")                                                                       \
	FLOW_RECENTLY(X, 3, "third")                                                                        \
	FLOW_RECENTLY(X, 4, "fourth")                                                                       \
	FLOW_LIKE(X, source, FLOW_ALIKE_SOURCE, "source address", "ct_src_ltm")                            \
	FLOW_LIKE(X, destination, FLOW_ALIKE_DESTINATION, "destination address", "ct_dst_ltm")             \
	FLOW_LIKE(X, ends, FLOW_ALIKE_ENDS, "addresses, both", "ct_dst_src_ltm")                           \
	FLOW_LIKE(X, source_service, FLOW_ALIKE_SOURCE_SERVICE,                                             \
		  "source address, protocol and destination port", "ct_srv_src")                           \
	FLOW_LIKE(X, destination_service, FLOW_ALIKE_DESTINATION_SERVICE,                                   \
		  "destination address, protocol and destination port", "ct_srv_dst")                      \
	FLOW_LIKE(X, source_port, FLOW_ALIKE_SOURCE_PORT, "source address and destination port",           \
		  "ct_src_dport_ltm")                                                                       \
	FLOW_LIKE(X, destination_port, FLOW_ALIKE_DESTINATION_PORT, "destination address and source port", \
		  "ct_dst_sport_ltm")

#define FLOW_NUMBER(name, unit, formula, source, value) FLOW_##name,
enum flow_feature { FLOW_FEATURES(FLOW_NUMBER) FLOW_FEATURE_COUNT };
#undef FLOW_NUMBER

/* With a constant number only that feature's code is left. */
static __always_inline __u64 flow_feature(const struct flow_state *f, enum flow_feature number)
{
#define FLOW_VALUE(name, unit, formula, source, value)                                                     \
	case FLOW_##name:                                                                                   \
		return (value);

	switch (number) {
		FLOW_FEATURES(FLOW_VALUE)
	default:
		return 0;
	}
#undef FLOW_VALUE
}

#endif /* MEDULLA_FLOW_FEATURES_H */

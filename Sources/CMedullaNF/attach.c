// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HOST_VARIABLE "MEDULLA_NF_FD"
#define DESCRIPTORS (NF_FIXED_DESCRIPTORS + NF_WELCOME_QUEUES)
#define PATIENCE 10 // seconds for the host's word
#define WAKES 64    // that are taken at a time, so that a peer who floods the channel costs little
#define WAKE 'w'

struct message {
	struct nf_welcome welcome;
	char parameters[NF_PARAMETER_BYTES + 1];
};

static int connect_to(const char *path, const char *function)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct nf_hello hello = { .magic = NF_HELLO_MAGIC, .version = NF_WELCOME_VERSION };
	int channel, error;

	if (strlen(path) >= sizeof(address.sun_path) || !function || strlen(function) >= NF_NAME_BYTES)
		return -EINVAL;
	strcpy(address.sun_path, path);
	strcpy(hello.function, function);
	channel = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (channel < 0)
		return -errno;
	if (connect(channel, (struct sockaddr *)&address, sizeof(address)) ||
	    send(channel, &hello, sizeof(hello), MSG_NOSIGNAL) != sizeof(hello)) {
		error = -errno;
		close(channel);
		return error;
	}
	return channel;
}

static int inherited(void)
{
	const char *text = getenv(HOST_VARIABLE);
	char *end;
	long number;

	if (!text || !*text)
		return -ENOTCONN;
	number = strtol(text, &end, 10);
	return *end || number < 3 || number > 1 << 20 ? -EINVAL : (int)number;
}

// The welcome with its descriptors; `count` of them.
static int receive_welcome(int channel, struct message *message, int *descriptors, int *count)
{
	struct iovec part = { .iov_base = message, .iov_len = sizeof(*message) - 1 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS)];
	} control;
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct timeval patience = { .tv_sec = PATIENCE };
	ssize_t size;

	*count = 0;
	setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	do {
		size = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
	} while (size < 0 && errno == EINTR);
	if (size <= 0)
		return size ? -errno : -ECONNREFUSED;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
		// The kernel makes one of all, and there is room for no more than these.
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || *count)
			continue;
		*count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(descriptors, CMSG_DATA(c), (size_t)*count * sizeof(int));
	}
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EPROTO;
	if (nf_check_welcome(&message->welcome, (uint64_t)size, *count))
		return -EPROTO;
	message->parameters[message->welcome.parameter_bytes] = 0;
	return 0;
}

static int is_power_of_two(uint32_t number)
{
	return number && !(number & (number - 1));
}

static uint64_t ring_pages(uint32_t entries)
{
	return (nf_ring_bytes(entries) + NF_AREA_BYTES - 1) / NF_AREA_BYTES * NF_AREA_BYTES;
}

static int is_text(const char field[NF_NAME_BYTES])
{
	return memchr(field, 0, NF_NAME_BYTES) != NULL;
}

static int has_good_rings(const struct nf_welcome *welcome)
{
	return is_power_of_two(welcome->ring_entries) && welcome->ring_entries <= NF_RING_LIMIT &&
	       (!welcome->queues || (is_power_of_two(welcome->receive_entries) &&
				     welcome->receive_entries <= NF_RING_LIMIT)) &&
	       welcome->rings_bytes == NF_AREA_BYTES + 2 * ring_pages(welcome->ring_entries);
}

// Each place in memory is some frame's, and every frame has room for its stamp.
static int has_good_memory(const struct nf_welcome *welcome)
{
	return is_power_of_two(welcome->frame_bytes) && welcome->frame_bytes <= 1 << NF_LENGTH_BITS &&
	       welcome->frames && welcome->memory_bytes <= 1ULL << NF_PLACE_BITS &&
	       welcome->memory_bytes % welcome->frame_bytes == 0 &&
	       welcome->memory_bytes / welcome->frame_bytes >= welcome->frames &&
	       welcome->stamp_offset <= welcome->frame_bytes &&
	       welcome->frame_bytes - welcome->stamp_offset >= sizeof(struct nf_stamp);
}

int nf_check_welcome(const struct nf_welcome *welcome, uint64_t size, int descriptors)
{
	if (size < sizeof(*welcome) || welcome->magic != NF_WELCOME_MAGIC ||
	    welcome->version != NF_WELCOME_VERSION || welcome->mode > NF_SLEEP)
		return -EPROTO;
	if (welcome->parameter_bytes > NF_PARAMETER_BYTES ||
	    size != sizeof(*welcome) + welcome->parameter_bytes)
		return -EPROTO;
	if (welcome->queues > NF_WELCOME_QUEUES || descriptors != NF_FIXED_DESCRIPTORS + (int)welcome->queues)
		return -EPROTO;
	if (welcome->branches > NF_BRANCHES || !is_text(welcome->chain) || !is_text(welcome->function))
		return -EPROTO;
	for (uint32_t i = 0; i < NF_BRANCHES; i++)
		if (!is_text(welcome->branch[i]))
			return -EPROTO;
	return has_good_rings(welcome) && has_good_memory(welcome) ? 0 : -EPROTO;
}

void nf_wake(int channel)
{
	const char word = WAKE;

	(void)!send(channel, &word, sizeof(word), MSG_NOSIGNAL | MSG_DONTWAIT);
}

int nf_take_wakes(int channel)
{
	for (int i = 0; i < WAKES; i++) {
		char word[2];
		const ssize_t size = recv(channel, word, sizeof(word), MSG_DONTWAIT);

		if (size < 0)
			return errno == EAGAIN || errno == EINTR;
		if (size != 1 || word[0] != WAKE)
			return 0;
	}
	return 1;
}

static int is_long_enough(int memory, uint64_t bytes)
{
	struct stat facts;

	return !fstat(memory, &facts) && facts.st_size >= 0 && (uint64_t)facts.st_size >= bytes;
}

static int map_receive(struct receive_ring *ring, int socket, uint32_t entries)
{
	struct xdp_mmap_offsets offsets;
	socklen_t size = sizeof(offsets);
	uint8_t *mapped;

	if (getsockopt(socket, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size))
		return -errno;
	ring->mapped_bytes = (size_t)offsets.rx.desc + entries * sizeof(struct xdp_desc);
	mapped = mmap(NULL, ring->mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, socket,
		      XDP_PGOFF_RX_RING);
	if (mapped == MAP_FAILED)
		return -errno;
	ring->mapped = mapped;
	ring->socket = socket;
	ring->mask = entries - 1;
	ring->producer = (const uint32_t *)(const void *)(mapped + offsets.rx.producer);
	ring->consumer = (uint32_t *)(void *)(mapped + offsets.rx.consumer);
	ring->entries = (const struct xdp_desc *)(const void *)(mapped + offsets.rx.desc);
	ring->next = *ring->consumer;
	return 0;
}

static int map_all(struct medulla_nf *nf, const int *descriptors)
{
	const struct nf_welcome *welcome = &nf->welcome;
	const int writes = welcome->flags & NF_WRITABLE ? PROT_WRITE : 0;
	const uint64_t pages = ring_pages(welcome->ring_entries);
	uint8_t *mapped;

	// What lies behind the end of a file ends the process that looks there.
	if (!is_long_enough(descriptors[NF_MEMORY_DESCRIPTOR], welcome->memory_bytes) ||
	    !is_long_enough(descriptors[NF_RINGS_DESCRIPTOR], welcome->rings_bytes))
		return -EPROTO;
	mapped = mmap(NULL, welcome->memory_bytes, PROT_READ | writes, MAP_SHARED | MAP_POPULATE,
		      descriptors[NF_MEMORY_DESCRIPTOR], 0);
	if (mapped == MAP_FAILED)
		return -errno;
	nf->memory = mapped;
	mapped = mmap(NULL, welcome->rings_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		      descriptors[NF_RINGS_DESCRIPTOR], 0);
	if (mapped == MAP_FAILED)
		return -errno;
	nf->area = (struct nf_area *)(void *)mapped;
	nf->in.ring = (struct nf_ring *)(void *)(mapped + NF_AREA_BYTES);
	nf->out.ring = (struct nf_ring *)(void *)(mapped + NF_AREA_BYTES + pages);
	nf->in.mask = nf->out.mask = welcome->ring_entries - 1;
	for (uint32_t i = 0; i < welcome->queues; i++) {
		const int error = map_receive(&nf->receive[i], descriptors[NF_FIXED_DESCRIPTORS + i],
					      welcome->receive_entries);

		if (error)
			return error;
		nf->queues = i + 1;
	}
	return 0;
}

static void close_all(const int *descriptors, int count)
{
	for (int i = 0; i < count; i++)
		close(descriptors[i]);
}

static int accept_welcome(const struct medulla_nf *nf)
{
	const struct nf_accept accepted = {
		.magic = NF_ACCEPT_MAGIC, .version = NF_WELCOME_VERSION, .process = getpid(),
	};

	return send(nf->channel, &accepted, sizeof(accepted), MSG_NOSIGNAL) == sizeof(accepted) ? 0 : -errno;
}

static int attach(struct medulla_nf *nf)
{
	struct message *message = calloc(1, sizeof(*message));
	int descriptors[DESCRIPTORS], count = 0, error;

	if (!message)
		return -ENOMEM;
	error = receive_welcome(nf->channel, message, descriptors, &count);
	if (!error) {
		nf->welcome = message->welcome;
		nf->parameters = strdup(message->parameters);
		error = nf->parameters ? map_all(nf, descriptors) : -ENOMEM;
	}
	free(message);
	if (error) {
		// Mapped rings have theirs among these.
		for (uint32_t i = 0; i < nf->queues; i++)
			nf->receive[i].socket = -1;
		close_all(descriptors, count);
		return error;
	}
	// Mappings outlive their descriptors.
	close(descriptors[NF_MEMORY_DESCRIPTOR]);
	close(descriptors[NF_RINGS_DESCRIPTOR]);
	return accept_welcome(nf);
}

int medulla_nf_attach_channel(int channel, struct medulla_nf **result)
{
	struct medulla_nf *nf = calloc(1, sizeof(*nf));
	int error;

	*result = NULL;
	if (!nf) {
		close(channel);
		return -ENOMEM;
	}
	nf->channel = channel;
	error = attach(nf);
	if (error)
		medulla_nf_detach(nf);
	else
		*result = nf;
	return error;
}

int medulla_nf_attach(const char *path, const char *function, struct medulla_nf **result)
{
	const int channel = path ? connect_to(path, function) : inherited();

	*result = NULL;
	return channel < 0 ? channel : medulla_nf_attach_channel(channel, result);
}

void medulla_nf_end(struct medulla_nf *nf)
{
	for (uint32_t i = 0; i < nf->queues; i++) {
		munmap(nf->receive[i].mapped, nf->receive[i].mapped_bytes);
		if (nf->receive[i].socket >= 0)
			close(nf->receive[i].socket);
	}
	nf->queues = 0;
	if (nf->channel >= 0)
		close(nf->channel);
	nf->channel = -1;
}

void medulla_nf_detach(struct medulla_nf *nf)
{
	if (!nf)
		return;
	medulla_nf_end(nf);
	if (nf->memory)
		munmap(nf->memory, nf->welcome.memory_bytes);
	if (nf->area)
		munmap(nf->area, nf->welcome.rings_bytes);
	free(nf->parameters);
	free(nf);
}

// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "host_isolation.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_xdp.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#define MACHINE 0
#endif

// The last call that this list was made with (mseal). Later ones answer as in an older kernel; so do the
// numbers of x32, which lie far above.
#define LAST_KNOWN 462
#define CLONE3 435
#define FCHMODAT2 452
#define PIDFD_SEND_SIGNAL 424
#define FILTER_LIMIT 512
#define TYPE_MASK 0xf
#define NEW_NAMESPACES                                                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |      \
	 CLONE_NEWNET)

struct filter {
	struct sock_filter code[FILTER_LIMIT];
	unsigned short length;
};

// By what they would reach. Numbers above 423 are the same on every machine, and old headers lack some.
static const int refused[] = {
	// Sockets; the channel is open already. io_uring would go around this filter.
	SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, 425, 426, 427,
	// The kernel itself: programs, modules, keys, its log, its clocks, counters of others.
	SYS_bpf, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_add_key,
	SYS_request_key, SYS_keyctl, SYS_syslog, SYS_reboot, SYS_settimeofday, SYS_clock_settime,
	SYS_adjtimex, SYS_clock_adjtime, SYS_perf_event_open, SYS_userfaultfd, SYS_acct, SYS_swapon,
	SYS_swapoff, SYS_quotactl, SYS_sethostname, SYS_setdomainname, SYS_lookup_dcookie,
	SYS_fanotify_init, SYS_personality, SYS_vhangup,
	// Other processes: pidfd_getfd, process_madvise and process_mrelease among them.
	SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_move_pages,
	SYS_migrate_pages, 438, 440, 448,
	// Mounts: open_tree to fspick, mount_setattr, quotactl_fd, statmount and listmount; handles of files.
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, 428, 429, 430, 431, 432, 433, 442, 443, 457,
	458, SYS_open_by_handle_at, SYS_name_to_handle_at,
	// Namespaces, and leaving the group that it is ended with.
	SYS_unshare, SYS_setns, SYS_setsid, SYS_setpgid,
	// Memory and queues that every process of the user shares.
	SYS_shmget, SYS_shmat, SYS_shmctl, SYS_msgget, SYS_semget, SYS_mq_open,
#ifdef SYS_iopl
	SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
};

// With a packet socket: what would send by it under another number, or by another process.
static const int refused_with_packets[] = {
	// Descriptors that are passed on, and writing without a call.
	SYS_sendmsg, SYS_sendmmsg, SYS_io_setup, SYS_io_submit,
};

// Which of their arguments would be the packet socket. Without a second number for it, these are all that
// could send by it or change it: turn the interface promiscuous, read another, attach a program.
static const struct {
	int call;
	int argument;
} refused_of_packets[] = {
	{ SYS_write, 0 }, { SYS_writev, 0 }, { SYS_pwrite64, 0 }, { SYS_pwritev, 0 }, { SYS_pwritev2, 0 },
	{ SYS_sendto, 0 }, { SYS_sendfile, 0 }, { SYS_splice, 2 }, { SYS_dup, 0 }, { SYS_dup3, 0 },
	{ SYS_fcntl, 0 }, { SYS_ioctl, 0 }, { SYS_setsockopt, 0 },
#ifdef SYS_dup2
	{ SYS_dup2, 0 },
#endif
};

// Landlock does not decide about these, so that files of its own user would be open to them.
static const int refused_with_shared_user[] = {
	SYS_fchmod, SYS_fchmodat, FCHMODAT2, SYS_fchown, SYS_fchownat, SYS_setxattr, SYS_lsetxattr,
	SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr, SYS_utimensat,
#ifdef SYS_chmod
	SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat,
#endif
};

static void add(struct filter *filter, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
	struct sock_filter instruction = { .code = code, .jt = yes, .jf = no, .k = value };

	filter->code[filter->length++] = instruction;
}

static void add_load(struct filter *filter, uint32_t offset)
{
	add(filter, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void add_answer(struct filter *filter, int error)
{
	add(filter, BPF_RET | BPF_K, error ? SECCOMP_RET_ERRNO | (uint32_t)error : SECCOMP_RET_ALLOW, 0, 0);
}

static void refuse(struct filter *filter, int call, int error)
{
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1);
	add_answer(filter, error);
}

// Refuses the call unless (argument & mask) == value; all arguments that are looked at are of 32 bits.
static void demand(struct filter *filter, int call, int argument, uint32_t mask, uint32_t value)
{
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 5);
	add_load(filter, (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (size_t)argument));
	add(filter, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
	add_answer(filter, EPERM);
	add_load(filter, offsetof(struct seccomp_data, nr));
}

// Refuses the call where an argument has the value.
static void refuse_where(struct filter *filter, int call, int argument, uint32_t value)
{
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
	add_load(filter, (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (size_t)argument));
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	add_answer(filter, EPERM);
	add_load(filter, offsetof(struct seccomp_data, nr));
}

static void leave_receiving(struct filter *filter)
{
	for (size_t i = 0; i < sizeof(refused_with_packets) / sizeof(refused_with_packets[0]); i++)
		refuse(filter, refused_with_packets[i], EPERM);
	for (size_t i = 0; i < sizeof(refused_of_packets) / sizeof(refused_of_packets[0]); i++)
		refuse_where(filter, refused_of_packets[i].call, refused_of_packets[i].argument,
			     MEDULLA_PACKETS_DESCRIPTOR);
}

// Maps no ring of free or of sent frames, nor makes another mapping one: no file of a function's lies there.
static void leave_own_rings(struct filter *filter)
{
	const uint32_t offset = (uint32_t)offsetof(struct seccomp_data, args) + 8 * 5;

	add(filter, BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 7);
	add_load(filter, offset + 4);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, XDP_UMEM_PGOFF_FILL_RING >> 32, 0, 4);
	add_load(filter, offset);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)XDP_UMEM_PGOFF_FILL_RING, 1, 0);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)XDP_UMEM_PGOFF_COMPLETION_RING, 0, 1);
	add_answer(filter, EPERM);
	add_load(filter, offsetof(struct seccomp_data, nr));
	refuse(filter, SYS_remap_file_pages, EPERM);
}

// Its own processes: 0 is the caller. A signal may go to others only where Landlock says to whom.
static void demand_own(struct filter *filter)
{
	const uint32_t own = (uint32_t)getpid();

	demand(filter, SYS_prlimit64, 0, ~0U, 0);
	demand(filter, SYS_sched_setaffinity, 0, ~0U, 0);
	demand(filter, SYS_sched_setparam, 0, ~0U, 0);
	demand(filter, SYS_sched_setscheduler, 0, ~0U, 0);
	demand(filter, SYS_sched_setattr, 0, ~0U, 0);
	demand(filter, SYS_setpriority, 1, ~0U, 0);
	demand(filter, SYS_ioprio_set, 1, ~0U, 0);
	if (medulla_landlock_version() >= 6)
		return;
	demand(filter, SYS_kill, 0, ~0U, own);
	demand(filter, SYS_tgkill, 0, ~0U, own);
	demand(filter, SYS_rt_sigqueueinfo, 0, ~0U, own);
	demand(filter, SYS_rt_tgsigqueueinfo, 0, ~0U, own);
	refuse(filter, SYS_tkill, EPERM);
	refuse(filter, PIDFD_SEND_SIGNAL, EPERM);
}

static void build(struct filter *filter, const struct medulla_isolation *isolation)
{
	add_load(filter, offsetof(struct seccomp_data, arch));
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
	add(filter, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	add_load(filter, offsetof(struct seccomp_data, nr));
	add(filter, BPF_JMP | BPF_JGT | BPF_K, LAST_KNOWN, 0, 1);
	add_answer(filter, ENOSYS);
	// Its flags are behind a pointer; without it the C library takes clone.
	refuse(filter, CLONE3, ENOSYS);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		refuse(filter, refused[i], EPERM);
	for (size_t i = 0; i < sizeof(refused_with_shared_user) / sizeof(refused_with_shared_user[0]); i++)
		if (isolation->shares_user)
			refuse(filter, refused_with_shared_user[i], EPERM);
	if (isolation->has_packets)
		leave_receiving(filter);
	if (isolation->has_receive_rings)
		leave_own_rings(filter);
	demand(filter, SYS_clone, 0, NEW_NAMESPACES, 0);
	// A pair of streams takes no address, so it reaches nobody else.
	demand(filter, SYS_socketpair, 0, ~0U, AF_UNIX);
	demand(filter, SYS_socketpair, 1, TYPE_MASK, SOCK_STREAM);
	demand_own(filter);
	add_answer(filter, 0);
}

int medulla_has_seccomp(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	return MACHINE && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int medulla_confine_calls(const struct medulla_isolation *isolation)
{
	struct filter filter = { .length = 0 };
	struct sock_fprog program = { .filter = filter.code };

	if (!MACHINE)
		return -ENOSYS;
	build(&filter, isolation);
	program.len = filter.length;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

"""Numbers of the system calls that contained code may make, on x86_64 and on aarch64.

Each entry is ``name:x86_64:aarch64``, as in Linux's own headers (arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h); ``-`` where an architecture does not have it. What is not listed is refused.
"""

# Work on one's own memory, descriptors, time and signals, and reading of files that can be seen.
ALWAYS = """
read:0:63 write:1:64 close:3:57 lseek:8:62 mmap:9:222 mprotect:10:226 munmap:11:215 mremap:25:216 madvise:28:233
mincore:27:232 msync:26:227 brk:12:214 pread64:17:67 pwrite64:18:68 readv:19:65 writev:20:66 preadv:295:69
pwritev:296:70 preadv2:327:286 pwritev2:328:287 pipe:22:- pipe2:293:59 dup:32:23 dup2:33:- dup3:292:24
close_range:436:436 fstat:5:80 stat:4:- lstat:6:- newfstatat:262:79 statx:332:291 statfs:137:43 fstatfs:138:44
access:21:- faccessat:269:48 faccessat2:439:439 getdents:78:- getdents64:217:61 getcwd:79:17 chdir:80:49
fchdir:81:50 fadvise64:221:223 flock:73:32 fsync:74:82 fdatasync:75:83 ftruncate:77:46 fallocate:285:47
sendfile:40:71 copy_file_range:326:285 umask:95:166 select:23:- pselect6:270:72 poll:7:- ppoll:271:73
epoll_create:213:- epoll_create1:291:20 epoll_ctl:233:21 epoll_wait:232:- epoll_pwait:281:22 epoll_pwait2:441:441
eventfd:284:- eventfd2:290:19 recvfrom:45:207 shutdown:48:210 getsockopt:55:209 getsockname:51:204
getpeername:52:205 rt_sigaction:13:134 rt_sigprocmask:14:135 rt_sigreturn:15:139 rt_sigpending:127:136
rt_sigtimedwait:128:137 rt_sigsuspend:130:133 sigaltstack:131:132 pause:34:- restart_syscall:219:128 alarm:37:-
getitimer:36:102 setitimer:38:103 nanosleep:35:101 clock_nanosleep:230:115 clock_gettime:228:113
clock_getres:229:114 gettimeofday:96:169 time:201:- times:100:153 timer_create:222:107 timer_settime:223:110
timer_gettime:224:108 timer_getoverrun:225:109 timer_delete:226:111 timerfd_create:283:85 timerfd_settime:286:86
timerfd_gettime:287:87 getpid:39:172 getppid:110:173 gettid:186:178 getuid:102:174 geteuid:107:175 getgid:104:176
getegid:108:177 getresuid:118:148 getresgid:120:150 getgroups:115:158 getpgrp:111:- getpgid:121:155 getsid:124:156
capget:125:90 exit:60:93 exit_group:231:94 wait4:61:260 waitid:247:95 futex:202:98 set_robust_list:273:99
get_robust_list:274:100 rseq:334:293 set_tid_address:218:96 arch_prctl:158:- membarrier:324:283 getcpu:309:168
sched_yield:24:124 sched_getaffinity:204:123 sched_getparam:143:121 sched_getscheduler:145:120
sched_get_priority_max:146:125 sched_get_priority_min:147:126 getpriority:140:141 getrandom:318:278 uname:63:160
sysinfo:99:179 getrusage:98:165 getrlimit:97:163
"""
# Changes of files: only where the one writable place is thrown away after the call.
CHANGES = """
creat:85:- mkdir:83:- mkdirat:258:34 rmdir:84:- unlink:87:- unlinkat:263:35 rename:82:- renameat:264:38
renameat2:316:276 link:86:- linkat:265:37 symlink:88:- symlinkat:266:36 readlink:89:- readlinkat:267:78
truncate:76:45 chmod:90:- fchmod:91:52 fchmodat:268:53 fchmodat2:452:452 utime:132:- utimes:235:- futimesat:261:-
utimensat:280:88
"""
# Further processes: only where all of them can be killed with certainty.
FORKS = """
fork:57:- vfork:58:- setpgid:109:154 setsid:112:157
"""
# Allowed or not by their arguments, which seccomp.py judges.
JUDGED = """
open:2:- openat:257:56 clone:56:220 kill:62:129 tgkill:234:131 ioctl:16:29 fcntl:72:25 prctl:157:167
socketpair:53:199 sendto:44:206 prlimit64:302:261
"""
# Newer forms, whose arguments a filter cannot see. "Not there" makes the C library take the older form.
ABSENT = """
clone3:435:435 openat2:437:437 io_uring_setup:425:425
"""
# What the keeper itself calls to contain its children; contained code never may.
KEEPERS = """
seccomp:317:277 capset:126:91 pivot_root:155:41 mount_setattr:442:442 landlock_create_ruleset:444:444
landlock_add_rule:445:445 landlock_restrict_self:446:446
"""


# Column of each architecture, by the name that the kernel gives it.
MACHINES = {"x86_64": 1, "aarch64": 2}


def numbers(table: str, machine: str) -> dict[str, int]:
    """Name -> number on ``machine``, for the calls that it has."""
    column = MACHINES[machine]
    rows = (entry.split(":") for entry in table.split())
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}

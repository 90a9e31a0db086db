// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the test guest: runs what is to be tested, says what came of it, and powers off.
 *
 * The results leave as one KTAP document through the virtio port "f_revoke.ktap": first the
 * suites that KUnit ran at boot, then the kselftests, then what kmemleak found. Its last line,
 * "# f_revoke: done <suites>", is the only proof that nothing was cut short. The console is left
 * to the kernel, so that its reports are never mixed with results. Files that the tests put into
 * the folder $RESULTS_DIR leave as a tar archive through the port "f_revoke.files".
 *
 * Words on the kernel's command line:
 *   f_revoke.shell        a shell on the console instead of the tests
 *   f_revoke.slow         tell the tests that this machine is slow (emulation)
 *   f_revoke.test=<t>     of the kselftests only this one, as collection:name; none for ""
 *   f_revoke.run=<path>   instead of them this program alone; what it leaves behind is left alone
 *   f_revoke.timeout=<s>  instead of the timeout of the tests' settings file
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define KTAP_PORT "f_revoke.ktap"
#define FILES_PORT "f_revoke.files"
#define KUNIT_DIR "/sys/kernel/debug/kunit"
#define KMEMLEAK "/sys/kernel/debug/kmemleak"
#define KCSAN "/sys/kernel/debug/kcsan"
#define KCSAN_SKIP_WATCH "/sys/module/kcsan/parameters/skip_watch"
#define KSELFTEST "/kselftest/run_kselftest.sh"
#define SHELL "/bin/sh"
#define RESULTS_DIR "/tmp/results"
#define MAX_OPEN_FILES 1048576

/* Of how many accesses one is watched while the kselftests run. */
#define KCSAN_SKIPPED "50"

/* In 7.3.4 open() looks at modes while devtmpfs changes them to remove a node. */
#define KCSAN_KNOWN_RACE "!setattr_copy"

/* kmemleak does not suspect an object that is younger than five seconds. */
#define KMEMLEAK_AGE_S 6

static void power_off(void)
{
	fflush(NULL);
	sync();
	reboot(RB_POWER_OFF);
}

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("f_revoke init: ", stderr);
	vfprintf(stderr, format, args);
	fprintf(stderr, " (%s)\n", strerror(errno));
	va_end(args);
	power_off();
	_exit(EXIT_FAILURE);
}

/* Set up */

static void mount_at(const char *type, const char *target)
{
	mkdir(target, 0755);
	if (mount(type, target, type, 0, NULL) < 0 && errno != EBUSY && errno != ENODEV)
		die("cannot mount %s at %s", type, target);
}

static void mount_all(void)
{
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	mount_at("devpts", "/dev/pts");
	mount_at("debugfs", "/sys/kernel/debug");
	mount_at("tmpfs", "/tmp");
	mount_at("tmpfs", "/run");
	mount_at("cgroup2", "/sys/fs/cgroup");
}

/* The runner of the kselftests appends to /dev/stdout, which devtmpfs does not have. */
static void link_standard_files(void)
{
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

static void use_as_stdio(const char *path, int flags)
{
	int fd = open(path, O_RDWR | flags);

	if (fd < 0)
		die("cannot open %s", path);
	for (int target = STDIN_FILENO; target <= STDERR_FILENO; target++)
		dup2(fd, target);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void raise_limits(void)
{
	struct rlimit limit = {MAX_OPEN_FILES, MAX_OPEN_FILES};

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		fprintf(stderr, "f_revoke init: no %d open files: %m\n", MAX_OPEN_FILES);
}

static void set_environment(bool slow)
{
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("RESULTS_DIR", RESULTS_DIR, 1);
	if (mkdir(RESULTS_DIR, 0755) < 0)
		die("cannot make " RESULTS_DIR);
	if (slow)
		setenv("KSFT_MACHINE_SLOW", "yes", 1);
}

/*
 * What follows the word `name` on the kernel's command line: "" for a plain word, the value for
 * "name=value", NULL when it is not there. Never freed.
 */
static char *boot_word(const char *name)
{
	char line[4096];
	size_t length = strlen(name);
	FILE *file = fopen("/proc/cmdline", "re");
	const char *found = NULL;

	if (!file || !fgets(line, sizeof(line), file))
		die("cannot read the kernel's command line");
	fclose(file);
	for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
		if (strncmp(word, name, length))
			continue;
		if (word[length] == '\0')
			found = "";
		else if (word[length] == '=')
			found = word + length + 1;
	}
	return found ? strdup(found) : NULL;
}

/* Directories */

static int is_entry(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* Sorted names in a folder, NULL-terminated, never freed; an absent folder has none. */
static char **names_in(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_entry, alphasort);
	char **names;

	if (count < 0)
		count = 0;
	names = calloc(count + 1, sizeof(*names));
	if (!names)
		die("no memory");
	for (int i = 0; i < count; i++)
		names[i] = entries[i]->d_name;
	return names;
}

/* The port */

static bool has_port_name(const char *port, const char *wanted)
{
	char path[PATH_MAX];
	char name[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", port);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	name[strcspn(name, "\n")] = '\0';
	return !strcmp(name, wanted);
}

static FILE *open_port(const char *name)
{
	char path[PATH_MAX];
	FILE *port;

	for (char **names = names_in("/sys/class/virtio-ports"); *names; names++) {
		if (!has_port_name(*names, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", *names);
		port = fopen(path, "we");
		if (!port)
			die("cannot open %s", path);
		setvbuf(port, NULL, _IOLBF, 0);
		return port;
	}
	errno = ENODEV;
	die("there is no virtio port %s", name);
}

/* KUnit */

/*
 * The file is a KTAP document of one suite. In our document the suite's lines stay as they are,
 * indented below us; only its own result gets the number that it has here.
 */
static void report_kunit_suite(FILE *ktap, const char *suite, int number)
{
	char path[PATH_MAX];
	char *line = NULL;
	size_t size = 0;
	bool has_result = false;
	FILE *results;

	snprintf(path, sizeof(path), KUNIT_DIR "/%s/results", suite);
	results = fopen(path, "re");
	while (results && getline(&line, &size, results) > 0) {
		char verdict[8];
		int rest = 0;

		if (line[0] == ' ' || line[0] == '#') {
			fputs(line, ktap);
		} else if (sscanf(line, "%7[a-z ]1 %n", verdict, &rest) == 1 && rest) {
			fprintf(ktap, "%s%d %s", verdict, number, line + rest);
			has_result = true;
		}
	}
	if (!has_result)
		fprintf(ktap, "not ok %d %s # ERROR no result in %s\n", number, suite, path);
	if (results)
		fclose(results);
	free(line);
}

/* Kselftests */

/* Copies text and puts two spaces before every line. */
static void write_indented(FILE *ktap, const char *text, size_t length, bool *at_line_start)
{
	for (size_t i = 0; i < length; i++) {
		if (*at_line_start)
			fputs("  ", ktap);
		fputc(text[i], ktap);
		*at_line_start = text[i] == '\n';
	}
}

/* PID 1 inherits every orphan; returns whether `child` is among those that ended. */
static bool reap(pid_t child, int *status)
{
	bool ended = false;
	int state;
	pid_t pid;

	while ((pid = waitpid(-1, &state, WNOHANG)) > 0) {
		if (pid == child) {
			*status = state;
			ended = true;
		}
	}
	return ended;
}

/*
 * Forwards output until the child has ended and all it wrote was read. A process left behind may
 * hold the other end open, so end of file alone is no sign.
 */
static int forward_until_exit(FILE *ktap, int output, pid_t child)
{
	struct pollfd poll_output = {.fd = output, .events = POLLIN};
	bool at_line_start = true;
	bool ended = false;
	int status = 0;

	for (;;) {
		char buffer[4096];
		ssize_t length = 0;

		if (poll(&poll_output, 1, ended ? 0 : 100) > 0)
			length = read(output, buffer, sizeof(buffer));
		if (length > 0)
			write_indented(ktap, buffer, length, &at_line_start);
		else if (ended)
			break;
		else if (poll_output.revents & (POLLHUP | POLLERR))
			poll_output.fd = -1;
		ended = reap(child, &status) || ended;
	}
	if (!at_line_start)
		fputc('\n', ktap);
	return status;
}

static void make_raw(int terminal)
{
	struct termios mode;

	if (tcgetattr(terminal, &mode) < 0)
		die("no terminal for the kselftests");
	cfmakeraw(&mode);
	tcsetattr(terminal, TCSANOW, &mode);
}

static void exec_kselftest(void)
{
	const char *test = boot_word("f_revoke.test");
	const char *timeout = boot_word("f_revoke.timeout");
	const char *argv[] = {SHELL, KSELFTEST, NULL, NULL, NULL, NULL, NULL};
	int argc = 2;

	if (test) {
		argv[argc++] = "-t";
		argv[argc++] = test;
	}
	if (timeout) {
		argv[argc++] = "-o";
		argv[argc++] = timeout;
	}
	execv(SHELL, (char **)argv);
	die("cannot run %s", KSELFTEST);
}

/*
 * On a terminal, sed in the runner's pipe writes line by line; into a pipe of ours it would keep
 * all lines of a test until its end, and nobody could see how far the run is.
 */
static pid_t start_test(void (*exec_test)(void), int *output)
{
	pid_t child = forkpty(output, NULL, NULL, NULL);

	if (child < 0)
		die("cannot start the kselftests");
	if (child == 0) {
		int null = open("/dev/null", O_RDONLY);

		make_raw(STDOUT_FILENO);
		dup2(null, STDIN_FILENO);
		close(null);
		exec_test();
	}
	return child;
}

/* KCSAN may not be there. */
static void tell_kcsan(const char *file, const char *word)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, word, strlen(word)) < 0)
		die("cannot write %s", file);
	close(fd);
}

static int end_stray_processes(void)
{
	int count = 0;

	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		count++;
	return count;
}

static void report_status(FILE *ktap, int number, const char *name, int status)
{
	if (WIFSIGNALED(status))
		fprintf(ktap, "not ok %d %s # ERROR signal %d\n", number, name, WTERMSIG(status));
	else if (WEXITSTATUS(status))
		fprintf(ktap, "not ok %d %s # exit=%d\n", number, name, WEXITSTATUS(status));
	else
		fprintf(ktap, "ok %d %s\n", number, name);
}

static void report_kselftest(FILE *ktap, int number)
{
	int output;
	pid_t child;
	int status;
	int strays;

	tell_kcsan(KCSAN_SKIP_WATCH, KCSAN_SKIPPED);
	tell_kcsan(KCSAN, KCSAN_KNOWN_RACE);
	child = start_test(exec_kselftest, &output);
	status = forward_until_exit(ktap, output, child);
	strays = end_stray_processes();
	close(output);
	if (strays)
		fprintf(ktap, "# kselftest: %d processes left behind\n", strays);
	report_status(ktap, number, "kselftest", status);
}

static void exec_program(void)
{
	const char *path = boot_word("f_revoke.run");

	execl(path, path, NULL);
	die("cannot run %s", path);
}

/* It may leave processes that cannot be ended: nothing is to come after it. */
static void report_program(FILE *ktap, int number)
{
	int output;
	pid_t child = start_test(exec_program, &output);
	int status = forward_until_exit(ktap, output, child);

	report_status(ktap, number, basename(boot_word("f_revoke.run")), status);
}

/* kmemleak */

static bool tell_kmemleak(const char *command)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, command, strlen(command)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Copies the report to the console, where kernel reports are judged; returns its objects. */
static int print_leaks(void)
{
	FILE *report = fopen(KMEMLEAK, "re");
	char line[1024];
	int count = 0;

	while (report && fgets(line, sizeof(line), report)) {
		fputs(line, stderr);
		count += !strncmp(line, "unreferenced object", strlen("unreferenced object"));
	}
	if (report)
		fclose(report);
	return count;
}

static void report_kmemleak(FILE *ktap, int number)
{
	int leaks;

	/* The second scan drops what only looked lost because it was changing during the first. */
	sleep(KMEMLEAK_AGE_S);
	if (!tell_kmemleak("scan") || sleep(1) || !tell_kmemleak("scan")) {
		fprintf(ktap, "ok %d kmemleak # SKIP the scan does not work: %m\n", number);
		return;
	}
	leaks = print_leaks();
	if (leaks)
		fprintf(ktap, "not ok %d kmemleak # %d unreferenced objects\n", number, leaks);
	else
		fprintf(ktap, "ok %d kmemleak\n", number);
}

/* Files */

/* Nothing is sent if there is nothing, so that what comes out is a whole archive or none. */
static void send_files(FILE *ktap)
{
	static const char command[] = "tar -c -f - -C " RESULTS_DIR " .";
	char block[4096];
	size_t size;
	FILE *port;
	FILE *archive;

	if (!*names_in(RESULTS_DIR))
		return;
	port = open_port(FILES_PORT);
	archive = popen(command, "re");
	if (!archive)
		die("cannot run %s", command);
	while ((size = fread(block, 1, sizeof(block), archive)) > 0)
		if (fwrite(block, 1, size, port) != size)
			fprintf(ktap, "# f_revoke: files are lost: %m\n");
	if (pclose(archive))
		fprintf(ktap, "# f_revoke: %s failed\n", command);
	fclose(port);
}

static void run_tests(void)
{
	FILE *ktap = open_port(KTAP_PORT);
	char **suites = names_in(KUNIT_DIR);
	const char *test = boot_word("f_revoke.test");
	bool has_program = boot_word("f_revoke.run");
	bool has_kselftest = !has_program && access(KSELFTEST, R_OK) == 0 && !(test && !*test);
	int count = has_kselftest + has_program;
	bool has_kmemleak;
	int number = 0;

	for (char **suite = suites; *suite; suite++)
		count++;
	/* What was not tested cannot have leaked, and would make a run without tests look like one.
	 */
	has_kmemleak = count && !has_program && tell_kmemleak("clear");
	count += has_kmemleak;
	fprintf(ktap, "KTAP version 1\n1..%d\n", count);
	for (char **suite = suites; *suite; suite++)
		report_kunit_suite(ktap, *suite, ++number);
	if (has_kselftest)
		report_kselftest(ktap, ++number);
	if (has_program)
		report_program(ktap, ++number);
	if (has_kmemleak)
		report_kmemleak(ktap, ++number);
	send_files(ktap);
	fprintf(ktap, "# f_revoke: done %d\n", number);
	fclose(ktap);
}

static void run_shell(void)
{
	pid_t child = fork();

	if (child < 0)
		die("cannot start a shell");
	if (child == 0) {
		setsid();
		use_as_stdio("/dev/ttyS0", O_NOCTTY);
		ioctl(STDIN_FILENO, TIOCSCTTY, 0);
		execl(SHELL, "-sh", NULL);
		die("cannot run %s", SHELL);
	}
	while (waitpid(-1, NULL, 0) != child)
		;
}

int main(void)
{
	if (getpid() != 1) {
		fputs("this is the init of a test guest: it mounts file systems and powers off\n",
		      stderr);
		return EXIT_FAILURE;
	}
	mount_all();
	use_as_stdio("/dev/console", O_NOCTTY);
	link_standard_files();
	raise_limits();
	set_environment(boot_word("f_revoke.slow"));
	if (boot_word("f_revoke.shell"))
		run_shell();
	else
		run_tests();
	power_off();
}

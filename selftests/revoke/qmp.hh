/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine that the tests run on, when it is QEMU and lets its guest control it: by
 * QMP on a virtio port. Started with, say,
 *   -qmp unix:qmp.sock,server=on,wait=off
 *   -chardev socket,id=qmp,path=qmp.sock,reconnect=1
 *   -device virtio-serial-pci -device virtserialport,chardev=qmp,name=f_revoke.qmp
 */
#ifndef REVOKE_QMP_H
#define REVOKE_QMP_H

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

#include "check.hh"
#include "unique_fd.hh"

namespace revoke_test
{

class Qmp
{
public:
	/* Skips the case if there is no such machine. */
	Qmp() : port_{open(find_port().c_str(), O_RDWR | O_CLOEXEC)}
	{
		check(static_cast<bool>(port_), "QMP port: {}", error_name(errno));
		/* Fails when it was done before: the connection outlives us. */
		answer_to(R"("execute": "qmp_capabilities")");
	}

	/*
	 * Members of a JSON object: "execute": ..., "arguments": ... Until QEMU has answered;
	 * an answer that is an error fails the case.
	 */
	void execute(std::string_view command)
	{
		const std::string answer = answer_to(command);

		check(!has(answer, "\"error\""), "QMP: {}", answer);
	}
	/* Pulls a device out of its slot; the guest learns of it by itself. */
	void pull(std::string_view id)
	{
		execute(fmt::format(R"("execute": "device_del", "arguments": {{"id": "{}"}})", id));
		await_event("DEVICE_DELETED");
	}
	/* Of those that came after the last answer. */
	void await_event(std::string_view name)
	{
		await([name](const std::string &line) { return has(line, name); });
	}

private:
	static std::string find_port()
	{
		std::error_code none;

		for (const auto &entry :
		     std::filesystem::directory_iterator{"/sys/class/virtio-ports", none}) {
			std::ifstream file{entry.path() / "name"};
			std::string name;

			if (std::getline(file, name) && name == "f_revoke.qmp")
				return "/dev" / entry.path().filename();
		}
		skip("needs a QEMU that this guest can control: see qmp.hh");
	}

	static bool has(std::string_view line, std::string_view word)
	{
		return line.find(word) != std::string_view::npos;
	}
	/* It has the name of the command, as answers to others may still be on their way. */
	std::string answer_to(std::string_view command)
	{
		const std::string id = fmt::format(R"("id": "{}-{}")", getpid(), ++commands_);
		const std::string line = fmt::format("{{{}, {}}}\n", command, id);

		check_value(result_of(write(port_.get(), line.data(), line.size())), line.size(),
			    command);
		return await([&id](const std::string &answer) { return has(answer, id); });
	}
	/* What came before is dropped. */
	std::string await(const std::function<bool(const std::string &line)> &wanted)
	{
		for (;;) {
			const std::string line = next_line();

			if (wanted(line))
				return line;
		}
	}
	std::string next_line()
	{
		std::size_t end;

		while ((end = unread_.find('\n')) == std::string::npos)
			receive();
		std::string line = unread_.substr(0, end);
		unread_.erase(0, end + 1);
		return line;
	}
	void receive()
	{
		char buffer[1024];
		pollfd readable{port_.get(), POLLIN, 0};
		const auto timeout = static_cast<int>(patience().count());

		check_value(result_of(poll(&readable, 1, timeout)), 1, "answer of QMP");
		const Result length = result_of(read(port_.get(), buffer, sizeof(buffer)));
		check(length.ok() && length.value > 0, "read of QMP: {}", length);
		unread_.append(buffer, static_cast<std::size_t>(length.value));
	}

	UniqueFd port_;
	std::string unread_;
	unsigned int commands_ = 0;
};

} // namespace revoke_test

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_FOREIGN_SOURCE_H
#define REVOKE_STRESS_FOREIGN_SOURCE_H

#include <cstdint>
#include <string>
#include <vector>

#include <unique_fd.hh>

#include "source.hh"

namespace revoke_stress
{

/* A kind of device that can be made and removed, and the files that come and go with it. */
struct Device {
	struct File {
		std::string path; /* with {} for the name of the device */
		const char *table;
	};
	std::string name;
	std::vector<File> files;
	Outcome (*create)(std::uint32_t number);
	Outcome (*remove)(std::uint32_t number);
	std::string (*device_name)(std::uint32_t number);
};

/*
 * Real entries of real drivers: network devices and disks. They count nothing and cannot be told
 * what to do; what can be judged is what their files answer.
 */
class ForeignSource final : public Source
{
public:
	ForeignSource();

	[[nodiscard]] std::string_view name() const override { return "devices"; }
	[[nodiscard]] std::string problem() const override;
	/* Those that are there, with {} for the name of the device. */
	[[nodiscard]] std::string files() const;
	void describe(History &history) const override;
	std::vector<ObjectRow> choose(Wish wish, Rng &rng) override;
	void choose_again(const std::vector<ObjectRow> &rows) override;
	[[nodiscard]] const Abilities &abilities(std::uint16_t object) const override;
	void finish() override;

	Outcome create(const Ref &ref) override;
	Outcome remove(const Ref &ref, std::uint8_t way) override;

	Outcome open(const Ref &ref) override;
	Outcome call(std::uint8_t way, int fd) override;
	Outcome wait(std::uint8_t way, int fd, std::uint32_t events) override;
	Outcome identify(int fd) override;
	Outcome remove_self(int fd) override;
	Outcome map(int fd) override;

private:
	struct Candidate {
		const Device *device;
		const Device::File *file;
	};
	[[nodiscard]] static std::uint32_t number_of(const Ref &ref);

	std::vector<Candidate> available_; /* on this machine */
	std::vector<Candidate> chosen_;
	Abilities abilities_;
};

} // namespace revoke_stress

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_FOREIGN_SOURCE_H
#define REVOKE_STRESS_FOREIGN_SOURCE_H

#include <cstdint>
#include <string>
#include <vector>

#include "device.hh"
#include "one_remover.hh"
#include "source.hh"

namespace revoke_stress
{

/*
 * Real entries of real drivers. They count nothing and cannot be told what to do; what can be
 * judged is what their files answer.
 */
class ForeignSource final : public Source
{
public:
	/* What this machine can make of these. */
	explicit ForeignSource(std::vector<Device> devices);

	[[nodiscard]] std::string_view name() const override { return "devices"; }
	[[nodiscard]] std::string problem() const override;
	/* Those that are there, with {} for the name of the device. */
	[[nodiscard]] std::string files() const;
	/* Unloads the drivers that were loaded for it; why that did not work. */
	std::string unload();
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
	void load_drivers();
	void find_files();
	void restore() const;
	[[nodiscard]] bool has_room_for(const Candidate &one) const;
	[[nodiscard]] std::vector<ObjectRow> rows() const;
	[[nodiscard]] static Made made(const Ref &ref);

	const std::vector<Device> devices_;
	std::vector<Candidate> available_; /* on this machine */
	std::vector<Candidate> chosen_;
	std::vector<std::string> loaded_; /* drivers, that were not there before */
	OneRemover remover_;
	Abilities abilities_;
};

} // namespace revoke_stress

#endif

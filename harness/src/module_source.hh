/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_MODULE_SOURCE_H
#define REVOKE_STRESS_MODULE_SOURCE_H

#include <memory>
#include <string>
#include <vector>

#include <control.hh>

#include "source.hh"

namespace revoke_stress
{

/* The ways to wait, and to call methods, of the kselftests: as many as this machine has. */
std::vector<Way> call_ways();
std::vector<Way> wait_ways();
Outcome call_in_way(std::uint8_t way, int fd);
Outcome wait_in_way(std::uint8_t way, int fd, std::uint32_t events);

/* Files of procfs, sysfs, debugfs and devices, made by the test module. */
class ModuleSource final : public Source
{
public:
	static constexpr std::string_view source_name = "test_revoke";

	[[nodiscard]] std::string_view name() const override { return source_name; }
	[[nodiscard]] std::string problem() const override;
	/* Loads the module, if that can be done and it is not there; unloads it again. What it
	 * returns is why that did not work: something has kept a reference. */
	void load();
	std::string unload();
	void describe(History &history) const override;
	std::vector<ObjectRow> choose(Wish wish, Rng &rng) override;
	void choose_again(const std::vector<ObjectRow> &rows) override;
	[[nodiscard]] const Abilities &abilities(std::uint16_t object) const override;
	void finish() override;

	Outcome create(const Ref &ref) override;
	Outcome remove(const Ref &ref, std::uint8_t way) override;
	Outcome kick(const Ref &ref) override;
	Outcome ready(const Ref &ref, std::uint32_t mask) override;
	Outcome behave(const Ref &ref, std::uint8_t method, std::uint32_t argument) override;
	Outcome counters(const Ref &ref, Counts &counts) override;

	Outcome open(const Ref &ref) override;
	Outcome call(std::uint8_t way, int fd) override { return call_in_way(way, fd); }
	Outcome wait(std::uint8_t way, int fd, std::uint32_t events) override
	{
		return wait_in_way(way, fd, events);
	}
	Outcome identify(int fd) override;
	Outcome remove_self(int fd) override;
	Outcome map(int fd) override;

private:
	struct Model;
	struct Chosen {
		const Model *model;
		ObjectRow row;
		Abilities abilities;
	};

	static const std::vector<Model> &models();
	static Abilities abilities_of(const Model &model);
	void add(const Model &model, std::uint16_t parent);
	void begin();
	[[nodiscard]] std::string file_name(std::uint16_t object, std::uint32_t generation) const;
	[[nodiscard]] std::string path(const Ref &ref) const;

	std::vector<Chosen> chosen_;
	std::uint32_t rounds_ = 0;
	std::unique_ptr<revoke_test::Control> control_;
	bool loaded_ = false; /* by load() */
};

} // namespace revoke_stress

#endif

// SPDX-License-Identifier: GPL-2.0
/* Histories that must be accepted, and for each rule some that must be rejected for that reason. */
#include "core/checker.hh"

#include <gtest/gtest.h>

#include "story.hh"

using namespace revoke_stress;
using namespace revoke_stress::story;

namespace
{

void expect_good(const History &history)
{
	const Verdict verdict = check(history);

	EXPECT_TRUE(verdict.ok()) << explain(history, verdict.violations.front());
}

void expect_first(const History &history, Rule rule, const std::string &words)
{
	const Verdict verdict = check(history);

	ASSERT_FALSE(verdict.ok()) << "nothing was found, expected " << name_of(rule);
	const Violation &first = verdict.violations.front();
	EXPECT_EQ(name_of(first.rule), name_of(rule)) << explain(history, first);
	EXPECT_NE(explain(history, first).find(words), std::string::npos)
		<< explain(history, first);
}

Record &removal_of(History &history) { return history.tasks[0][1]; }

/* Somebody waits for EPOLLIN from then on, and is told of the removal only, after 40 s. */
History waited_until_removal(Time since, std::vector<Record> readies)
{
	History history = good();

	removal_of(history).begin = 40'000 * millisecond;
	removal_of(history).end = 40'001 * millisecond;
	history.tasks[0].resize(2);
	history.tasks[1].resize(2);
	history.tasks.push_back(std::move(readies));
	history.tasks.push_back({wait(since, 40'002, EPOLLIN, EPOLLIN | EPOLLHUP)});
	return history;
}

/* Somebody else's file is opened then, answers for ever, and tells of another object. */
History with_late_open(Time opening, bool reuses)
{
	std::vector<Record> records{
		on_file(Kind::open, opening, opening + 3),
		on_file(Kind::identify, gone + 5, gone + 6, {5, 0, identity + 1}),
		wait(gone + 7, 30'000, EPOLLIN, EPOLLIN),
	};
	for (Record &record : records)
		record.file = 2;
	History history = good_and(std::move(records));
	Record next = create(file_object, gone + 2, identity + 1);

	next.generation = 2;
	if (reuses)
		history.tasks.push_back({next});
	history.objects[file_object].reuses = reuses;
	return history;
}

Record &counters_of(History &history) { return history.tasks[0][2]; }

Record &final_counters_of(History &history) { return history.tasks[0][3]; }

} // namespace

/* What is in order */

TEST(CheckerAccepts, AnObjectThatIsRemoved)
{
	const Verdict verdict = check(good());

	expect_good(good());
	EXPECT_EQ(verdict.removals, 1U);
	EXPECT_EQ(verdict.operations, 4U);
	EXPECT_EQ(verdict.raced, 0U);
}

TEST(CheckerAccepts, EitherResultWhileItIsGoing)
{
	const History history = good_and({
		reads(going - 1, going + 1, {5, 0, 0}),
		reads(going + 2, going + 3, {-1, EIO, 0}),
		reads(gone - 1, gone + 1, {-1, ESHUTDOWN, 0}),
	});

	expect_good(history);
	EXPECT_EQ(check(history).raced, 3U);
}

/* Of two moments that the clock cannot tell apart, neither came first. */
TEST(CheckerAccepts, SuccessThatBeganAsRemovalReturned)
{
	expect_good(good_and({reads(gone, gone + 1, {5, 0, 0})}));
}

TEST(CheckerAccepts, WaitersThatAreTold)
{
	expect_good(good_and({
		wait(10, 50, EPOLLPRI, EPOLLPRI),
		wait(60, gone + 1, EPOLLPRI, EPOLLPRI | EPOLLHUP),
		wait(gone + 2, gone + 3, EPOLLPRI, EPOLLPRI | EPOLLHUP),
		wait(gone + 4, gone + 5, EPOLLIN, EPOLLIN, select_way),
	}));
}

/* What it was to be told of was over before it looked. */
TEST(CheckerAccepts, WaiterWhoseEventIsTakenBack)
{
	const History history = waited_until_removal(10, {ready(20, EPOLLIN), ready(30, 0)});

	expect_good(history);
}

TEST(CheckerAccepts, MappingsThatAreGone)
{
	expect_good(good_and({
		on_file(Kind::map, 10, 11),
		on_file(Kind::touch, 12, 13, {0, 0, identity}),
		on_file(Kind::touch, going, gone + 1, {SIGBUS, 0, 0}),
		on_file(Kind::touch, gone + 2, gone + 3, {SIGBUS, 0, 0}),
		on_file(Kind::unmap, gone + 4, gone + 5),
	}));
}

TEST(CheckerAccepts, WhatNobodyGates)
{
	expect_good(good_and({
		on_file(Kind::stat, gone + 1, gone + 2),
		on_file(Kind::fdinfo, gone + 3, gone + 4),
		on_file(Kind::lock, gone + 5, gone + 6),
		on_file(Kind::lock, gone + 7, gone + 8, {-1, EAGAIN, 0}),
		on_file(Kind::duplicate, gone + 9, gone + 10),
		on_file(Kind::fasync, gone + 11, gone + 12),
	}));
}

/* Whichever call it was that did not take all. */
TEST(CheckerAccepts, WhatKernfsHadBuffered)
{
	for (const Record &part : {on_file(Kind::read_part, 10, 11, {1, 0, 0}),
				   reads_on(10, 11, {2, 0, 0}), reads(10, 11, {2, 0, 0})}) {
		History history = good_and({
			part,
			reads_on(gone + 1, gone + 2, {4, 0, 0}),
			reads_on(gone + 3, gone + 4, {-1, EIO, 0}),
		});

		history.objects[0].reads_on = true;
		expect_good(history);
	}
}

/* The number of the device is that of the next one by then. */
TEST(CheckerAccepts, FilesThatMayBeOfTheNextObject)
{
	for (const Time opening : {going - 1, going + 1, gone + 1})
		expect_good(with_late_open(opening, true));
}

TEST(CheckerAccepts, ReleaseThatIsDocumentedAsLate)
{
	History history = good();

	history.objects[0].release = Release::at_last_close;
	counters_of(history).counts.releases = 0;
	expect_good(history);
}

TEST(CheckerAccepts, DirectoriesThatTakeAlongWhatIsInThem)
{
	Record reading = reads(40, 41, {-1, EIO, 0});

	reading.action.object = file_below;
	expect_good(good_and({create(directory, 5, 0), create(file_below, 7, 9, 1),
			      remove(directory, 20, 30), reading}));
}

TEST(CheckerAccepts, DirectoriesThatGoAfterWhatWasInThem)
{
	expect_good(good_and({create(directory, 5, 0), create(file_below, 7, 9, 1),
			      remove(file_below, 20, 30), remove(directory, 40, 50)}));
}

TEST(CheckerAccepts, DirectoriesThatAreInUse)
{
	expect_good(
		good_and({create(directory, 5, 0), create(file_below, 7, 9, 1),
			  remove(directory, 20, 21, ENOTEMPTY), remove(directory, 22, 23, EBUSY)}));
}

TEST(CheckerAccepts, ObjectsThatRemoveThemselves)
{
	expect_good(good_and({
		on_file(Kind::remove_self, 20, 30, {4, 0, 0}),
		reads(40, 41, {-1, EIO, 0}),
	}));
}

TEST(CheckerAccepts, OwnersWhoRaceEachOther)
{
	expect_good(good_and({
		record(Kind::remove, going, gone + 1, {-1, EBUSY, 0}),
		record(Kind::remove, gone + 2, gone + 3, {-1, ENOENT, 0}),
		ready(gone + 4, EPOLLIN),
	}));
}

TEST(CheckerAccepts, InterruptionsAndFailedAllocations)
{
	Record interrupted = reads(10, 11, {-1, EINTR, 0});
	Record starved = reads(12, 13, {-1, ENOMEM, 0});

	interrupted.flags = flag_signals;
	starved.flags = flag_injected;
	expect_good(good_and({interrupted, starved}));
}

TEST(CheckerAccepts, OpensOfWhichTheObjectHeardAlthoughTheyFailed)
{
	History history = good();
	Record open = on_file(Kind::open, 10, 11, {-1, ENOMEM, 0});

	open.flags = flag_injected;
	history.tasks.push_back({open});
	for (Record *counters : {&counters_of(history), &final_counters_of(history)})
		counters->counts = {2, 2, 2, 2, 0};
	expect_good(history);
}

TEST(CheckerAccepts, WhatBecameOfTasksThatWereKilled)
{
	Record killed = reads(10, 0, {});

	killed.flags = flag_killed;
	expect_good(good_and({killed}));
}

/* What is not */

TEST(CheckerRejects, FilesOfTheNextObjectWhereThereIsNone)
{
	EXPECT_TRUE(check(with_late_open(gone + 1, false)).has(Rule::late_success));
	EXPECT_TRUE(check(with_late_open(going + 1, false)).has(Rule::late_success));
}

namespace
{

/* Of an object whose number is used again, by a file of its own. */
History of_one_that_reuses(std::vector<Record> records)
{
	for (Record &record : records)
		record.file = 2;
	History history = good_and(std::move(records));

	history.objects[file_object].reuses = true;
	return history;
}

/* The object itself has heard of it. */
History heard(History history)
{
	counters_of(history).counts = {2, 2, 2, 2, 0};
	final_counters_of(history).counts = {2, 2, 2, 2, 0};
	return history;
}

} // namespace

/* It met the removal, got what was going, and goes on to serve it. */
TEST(CheckerRejects, FilesThatTellOfTheObjectThatHasGone)
{
	const History history = heard(of_one_that_reuses(
		{on_file(Kind::open, going + 1, going + 4),
		 on_file(Kind::identify, gone + 50, gone + 51, {5, 0, identity})}));

	expect_first(history, Rule::late_success, "identify");
}

TEST(CheckerRejects, MemoryOfTheObjectThatHasGone)
{
	const History history = heard(
		of_one_that_reuses({on_file(Kind::open, going + 1, going + 4),
				    on_file(Kind::touch, gone + 50, gone + 51, {0, 0, identity})}));

	expect_first(history, Rule::late_mapping, "touch");
}

TEST(CheckerRejects, OpensByANumberThatStillLeadsThere)
{
	const History history = heard(of_one_that_reuses(
		{on_file(Kind::open, gone + 50, gone + 51),
		 on_file(Kind::identify, gone + 52, gone + 53, {5, 0, identity})}));

	expect_first(history, Rule::late_success, "open");
}

TEST(CheckerRejects, FilesThatTellOfNobody)
{
	expect_first(
		of_one_that_reuses({on_file(Kind::open, going + 1, going + 4),
				    on_file(Kind::identify, going + 5, going + 6, {5, 0, 0xdead})}),
		Rule::wrong_object, "which nobody made");
}

TEST(CheckerRejects, FilesOfNobodyThatHang)
{
	expect_first(of_one_that_reuses(
			     {on_file(Kind::open, going + 1, going + 4), reads(going + 5, 0, {})}),
		     Rule::left_hanging, "did not end");
}

/* It had gone by then: it cannot have been this one's. */
TEST(CheckerRejects, OpensOfNobodyThatALateOneWouldExcuse)
{
	const History history =
		heard(of_one_that_reuses({on_file(Kind::open, gone + 20, gone + 21)}));

	expect_first(history, Rule::unknown_open, "2 opens");
}

/* It was opened before anybody thought of removal. */
TEST(CheckerRejects, LateSuccessOfAnObjectWhoseNumberIsUsedAgain)
{
	History history = good_and({reads(gone + 1, gone + 2, {5, 0, 0})});

	history.objects[file_object].reuses = true;
	expect_first(history, Rule::late_success, "call");
}

/* That it was taken back half a minute later is no excuse. */
TEST(CheckerRejects, EventsThatStandUnheard)
{
	const History history = waited_until_removal(10, {ready(20, EPOLLIN), ready(30'020, 0)});

	expect_first(history, Rule::lost_wakeup, "not told of a change");
}

TEST(CheckerRejects, TasksThatDoTwoThingsAtOnce)
{
	expect_first(good_and({reads(20, 30, {1, 0, 0}), reads(25, 35, {1, 0, 0})}),
		     Rule::malformed, "ends after the next one begins");
}

TEST(CheckerRejects, OperationsThatEndBeforeTheyBegin)
{
	expect_first(good_and({reads(30, 20, {1, 0, 0})}), Rule::malformed,
		     "ends before it begins");
}

TEST(CheckerRejects, OperationsThatHangAndAreFollowed)
{
	History history = good_and({reads(20, 0, {}), reads(30, 31, {1, 0, 0})});

	EXPECT_TRUE(check(history).has(Rule::malformed));
}

TEST(CheckerRejects, RunsInWhichNothingWasRemoved)
{
	History history = good();

	history.tasks[0].resize(1);
	history.tasks[1].resize(2);
	expect_first(history, Rule::nothing_proved, "0 removals");
}

TEST(CheckerRejects, RunsInWhichNothingWasDone)
{
	History history = good();

	history.tasks[1].clear();
	counters_of(history).counts = {};
	final_counters_of(history).counts = {};
	expect_first(history, Rule::nothing_proved, "0 operations");
}

TEST(CheckerRejects, ReadsThatWorkAfterRemoval)
{
	const History history = good_and({reads(gone + 1, gone + 2, {5, 0, 0})});

	expect_first(history, Rule::late_success, "began after removal had returned");
	/* And says what stood around it. */
	const Verdict verdict = check(history);
	ASSERT_FALSE(verdict.ok());
	const std::string words = explain(history, verdict.violations.front());
	EXPECT_NE(words.find("-> ["), std::string::npos) << words;
	EXPECT_NE(words.find("task 0: remove file.1"), std::string::npos) << words;
}

TEST(CheckerRejects, OpensThatWorkAfterRemoval)
{
	History history = good_and({on_file(Kind::open, gone + 1, gone + 2)});

	EXPECT_TRUE(check(history).has(Rule::late_success));
}

/* It had reached the method, or nobody could have kicked it. */
TEST(CheckerRejects, WhatTheDriverAnswersAfterRemoval)
{
	expect_first(good_and({reads(gone + 1, gone + 2, {-1, ESHUTDOWN, 0})}), Rule::late_success,
		     "ESHUTDOWN");
}

TEST(CheckerRejects, WhatIsReadAfterRemovalAlthoughNothingWasBuffered)
{
	expect_first(good_and({reads(gone + 1, gone + 2, {5, 0, 0}),
			       on_file(Kind::read_part, gone + 3, gone + 4, {-1, EIO, 0})}),
		     Rule::late_success, "returned 0x5");
}

TEST(CheckerRejects, WhatBeginsAfreshAlthoughSomethingWasBuffered)
{
	History history = good_and({on_file(Kind::read_part, 10, 11, {1, 0, 0}),
				    reads(gone + 1, gone + 2, {5, 0, 0})});

	history.objects[0].reads_on = true;
	expect_first(history, Rule::late_success, "returned 0x5");
}

TEST(CheckerRejects, WhatFilesThatBufferNothingHadBuffered)
{
	expect_first(good_and({on_file(Kind::read_part, 10, 11, {1, 0, 0}),
			       reads_on(gone + 1, gone + 2, {5, 0, 0})}),
		     Rule::late_success, "returned 0x5");
}

TEST(CheckerRejects, ObjectsBelowADirectoryThatLiveOn)
{
	Record reading = reads(40, 41, {5, 0, 0});

	reading.action.object = file_below;
	expect_first(good_and({create(directory, 5, 0), create(file_below, 7, 9, 1),
			       remove(directory, 20, 30), reading}),
		     Rule::late_success, "below.1");
}

TEST(CheckerRejects, RemovalsOfWhatWentWithItsDirectory)
{
	expect_first(good_and({create(directory, 5, 0), create(file_below, 7, 9, 1),
			       remove(directory, 20, 30), remove(file_below, 40, 50)}),
		     Rule::removed_twice, "removed already");
}

TEST(CheckerRejects, ObjectsThatRemovedThemselvesAndLiveOn)
{
	expect_first(
		good_and({on_file(Kind::remove_self, 20, 30, {4, 0, 0}), reads(40, 41, {5, 0, 0})}),
		Rule::late_success, "returned 0x5");
}

TEST(CheckerRejects, MethodsThatAreEnteredAfterRemoval)
{
	History history = good();

	final_counters_of(history).counts = {1, 1, 3, 3, 0};
	expect_first(history, Rule::late_method, "1 methods were entered");
}

TEST(CheckerRejects, MappingsThatWorkAfterRemoval)
{
	expect_first(good_and({on_file(Kind::touch, gone + 1, gone + 2, {0, 0, identity})}),
		     Rule::late_mapping, "read the memory");
}

TEST(CheckerRejects, MappingsThatAreGoneTooEarly)
{
	expect_first(good_and({on_file(Kind::touch, 20, 21, {SIGBUS, 0, 0})}), Rule::wrong_result,
		     "got signal 7");
}

TEST(CheckerRejects, SignalsThatAreNotBusErrors)
{
	expect_first(good_and({on_file(Kind::touch, gone + 1, gone + 2, {SIGSEGV, 0, 0})}),
		     Rule::wrong_result, "got signal 11");
}

TEST(CheckerRejects, ErrnoThatIsNotInTheTable)
{
	expect_first(good_and({reads(gone + 1, gone + 2, {-1, ENODEV, 0})}), Rule::wrong_result,
		     "ENODEV");
}

TEST(CheckerRejects, ErrnoOfAnotherMethod)
{
	Record seek = reads(gone + 1, gone + 2, {-1, EIO, 0});

	seek.action.way = seek_way;
	expect_first(good_and({seek}), Rule::wrong_result, "EIO");
}

TEST(CheckerRejects, FailureBeforeRemoval)
{
	expect_first(good_and({reads(20, 21, {-1, EIO, 0})}), Rule::wrong_result,
		     "for an object that is there");
}

TEST(CheckerRejects, InterruptionsThatNobodyCaused)
{
	expect_first(good_and({reads(20, 21, {-1, EINTR, 0})}), Rule::wrong_result, "EINTR");
}

TEST(CheckerRejects, MasksThatAreNotInTheTable)
{
	expect_first(good_and({wait(gone + 1, gone + 2, EPOLLPRI, EPOLLPRI)}), Rule::wrong_result,
		     "returned 0x2");
	Record poll = on_file(Kind::poll, gone + 1, gone + 2, {EPOLLIN, 0, 0});
	poll.action.argument = EPOLLIN;
	expect_first(good_and({poll}), Rule::wrong_result, "returned 0x1");
}

TEST(CheckerRejects, MasksThatTellOfARemovalBeforeThereIsOne)
{
	expect_first(good_and({wait(20, 21, EPOLLPRI, EPOLLPRI | EPOLLHUP)}), Rule::wrong_result,
		     "for an object that is there");
	expect_first(good_and({on_file(Kind::poll, 20, 21, {EPOLLHUP, 0, 0})}), Rule::wrong_result,
		     "for an object that is there");
}

TEST(CheckerRejects, RemovalsThatFailForNoReason)
{
	for (const int error : {ENOENT, EBUSY, ENOTEMPTY})
		expect_first(good_and({remove(file_object, 20, 21, error)}), Rule::wrong_result,
			     "remove failed with");
	expect_first(good_and({on_file(Kind::remove_self, 20, 21, {-1, EALREADY, 0})}),
		     Rule::wrong_result, "EALREADY");
}

TEST(CheckerRejects, ObjectsThatCannotBeMade)
{
	Record making = create(file_object, 20, 0);

	making.generation = 2;
	for (const int error : {ENOENT, EEXIST}) {
		making.outcome = {-1, error, 0};
		expect_first(good_and({making}), Rule::wrong_result, "create failed with");
	}
}

TEST(CheckerRejects, ObjectsThatCountNothing)
{
	History history = good();

	final_counters_of(history).outcome = {-1, ENOENT, 0};
	expect_first(history, Rule::wrong_result, "counters failed with ENOENT");
}

TEST(CheckerRejects, ClosesThatFail)
{
	expect_first(good_and({on_file(Kind::close, gone + 1, gone + 2, {-1, EIO, 0})}),
		     Rule::wrong_result, "close failed with EIO");
}

TEST(CheckerRejects, WhatAnotherObjectTells)
{
	expect_first(good_and({on_file(Kind::identify, 20, 21, {0, 0, identity + 1})}),
		     Rule::wrong_object, "told of object 8");
}

/* Nor may it be silent. */
TEST(CheckerRejects, WhatTellsOfNoObject)
{
	Record written = on_file(Kind::touch, 20, 21);

	expect_first(good_and({on_file(Kind::identify, 20, 21)}), Rule::wrong_object,
		     "told of object 0");
	expect_first(good_and({on_file(Kind::touch, 20, 21)}), Rule::wrong_object,
		     "told of object 0");
	/* The other way to touch is to write. */
	written.action.way = 1;
	expect_good(good_and({written}));
}

TEST(CheckerRejects, RemovalThatOvertakesAMethod)
{
	History history = good();

	counters_of(history).counts.left = 1;
	expect_first(history, Rule::overtaken, "1 methods were running");
}

TEST(CheckerRejects, RemovalThatReturnsBeforeTheRelease)
{
	History history = good();

	counters_of(history).counts.releases = 0;
	expect_first(history, Rule::missing_release, "0 releases of 1 open files");
}

TEST(CheckerRejects, LateReleasesThatNeverCome)
{
	History history = good();

	history.objects[0].release = Release::at_last_close;
	counters_of(history).counts.releases = 0;
	final_counters_of(history).counts.releases = 0;
	expect_first(history, Rule::missing_release, "0 releases of 1 open files");
}

TEST(CheckerRejects, SecondReleases)
{
	History history = good();

	counters_of(history).counts.releases = 2;
	expect_first(history, Rule::second_release, "2 releases of 1 open files");
}

TEST(CheckerRejects, OpensThatTheObjectNeverHeardOf)
{
	History history = good();

	for (Record *counters : {&counters_of(history), &final_counters_of(history)})
		counters->counts = {0, 0, 2, 2, 0};
	expect_first(history, Rule::unknown_open, "it counts 0 opens; 1 succeeded");
}

TEST(CheckerRejects, OpensThatNobodyMade)
{
	History history = good();

	for (Record *counters : {&counters_of(history), &final_counters_of(history)})
		counters->counts = {2, 2, 2, 2, 0};
	expect_first(history, Rule::unknown_open, "it counts 2 opens; 1 succeeded");
}

TEST(CheckerRejects, SecondRemovals)
{
	expect_first(good_and({record(Kind::remove, gone + 1, gone + 2)}), Rule::removed_twice,
		     "removed already");
}

TEST(CheckerRejects, OperationsThatNeverEnd)
{
	expect_first(good_and({reads(going - 1, 0, {})}), Rule::left_hanging,
		     "went on after the removal");
}

TEST(CheckerRejects, OperationsThatEndFarTooLate)
{
	expect_first(good_and({reads(going - 1, gone + 20'000, {-1, EIO, 0})}), Rule::left_hanging,
		     "went on after the removal");
}

TEST(CheckerRejects, OperationsThatHangWithoutARemoval)
{
	Record hanging = reads(20, 0, {});

	hanging.generation = 2;
	expect_first(good_and({hanging}), Rule::left_hanging, "did not end");
}

TEST(CheckerRejects, RemovalsThatNeverReturn)
{
	History history = good();

	removal_of(history).end = 0;
	history.tasks[0].resize(2);
	history.tasks[1].resize(2);
	EXPECT_TRUE(check(history).has(Rule::removal_hangs));
}

TEST(CheckerRejects, WaitersThatAreNotToldOfTheRemoval)
{
	expect_first(good_and({wait(20, 0, EPOLLPRI, 0)}), Rule::lost_wakeup,
		     "not told of the removal");
}

TEST(CheckerRejects, WaitersThatAreNotToldOfAChange)
{
	const History history = waited_until_removal(10, {ready(20, EPOLLIN)});

	expect_first(history, Rule::lost_wakeup, "not told of a change");
}

TEST(CheckerRejects, WaitersThatAreNotToldOfWhatChangedAsTheyBegan)
{
	const History history = waited_until_removal(21, {ready(20, EPOLLIN)});

	expect_first(history, Rule::lost_wakeup, "not told of a change");
}

TEST(CheckerRejects, ObjectsThatComplain)
{
	History history = good();

	counters_of(history).counts.faults = 1;
	expect_first(history, Rule::module_fault, "late method");
}

TEST(CheckerRejects, MethodsThatRunForEver)
{
	History history = good();

	final_counters_of(history).counts.left = 1;
	EXPECT_TRUE(check(history).has(Rule::leak));
}

TEST(CheckerRejects, DescriptorsThatAreLeftOver)
{
	expect_first(good_and({record(Kind::census, 200, 201, {3, 0, 0})}), Rule::leak,
		     "3 descriptors are left over");
}

TEST(Checker, RefusesObjectsThatItDoesNotKnow)
{
	Record odd = reads(20, 21, {1, 0, 0});

	odd.action.object = 9;
	EXPECT_THROW(check(good_and({odd})), std::runtime_error);
}

TEST(Checker, NamesEveryRule)
{
	for (std::size_t i = 0; i < static_cast<std::size_t>(Rule::count); i++)
		EXPECT_FALSE(name_of(static_cast<Rule>(i)).empty()) << i;
}

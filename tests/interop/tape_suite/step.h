// What a row of the suite is made of: commands, each with what must come of it. Values.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host.h"
#include "scsi/changer_mode.h"

namespace tapewarden::suite {

enum class Unit : std::uint8_t { kDrive, kSecondDrive, kChanger, kNone };  // kNone: a LUN without a unit

// Where a library has its elements; the same words mean other addresses elsewhere.
struct Places {
  scsi::ElementAddressAssignment elements;
  std::uint16_t slot(unsigned number) const;   // from 1, as they are labelled
  std::uint16_t drive(unsigned number) const;  // from 0
  std::uint16_t port() const { return elements.import_export.first; }
  std::uint16_t transport() const { return elements.transport.first; }
  std::uint16_t nowhere() const { return 0xfffe; }
};

// What an answer must be. The flags of the sense data and the status are always compared.
struct Expected {
  scsi::ScsiStatus status = scsi::ScsiStatus::kGood;
  scsi::SenseCode code{};
  bool filemark = false;
  bool end_of_medium = false;
  bool incorrect_length = false;
  std::optional<std::int64_t> information{};
  std::optional<Bytes> data{};             // exactly this, and the residual that follows from it
  std::optional<std::int64_t> residual{};  // else
  // What is wrong with the data; empty: nothing.
  std::function<std::string(const Answer&, const Places&)> look{};
};

struct Step {
  std::string words;  // the command, for people
  Unit unit = Unit::kDrive;
  std::function<Bytes(const Places&)> cdb;
  std::size_t room = 0;  // for data in
  Bytes out{};
  bool by_other_host = false;
  // An attention that waits is an answer like any other; else it is passed over.
  bool attentions_count = false;
  // Whether to send it once more after this answer; the last answer is the one that counts.
  std::function<bool(const Answer&)> again{};
  Expected expected{};

  Step check(scsi::SenseCode code) const;
  Step filemark() const;          // NO SENSE 00/01 and the flag
  Step incorrect_length() const;  // NO SENSE 00/00 and the flag
  Step end_of_medium() const;     // the flag alone
  Step information(std::int64_t value) const;
  Step data(Bytes content) const;
  Step residual(std::int64_t value) const;
  Step status(scsi::ScsiStatus value) const;
  Step look(std::function<std::string(const Answer&, const Places&)> check) const;
  Step on(Unit where) const;
  Step other_host() const;
  Step first() const;  // attentions count
  // Sent again for as long as it is GOOD, or ends with this code.
  Step while_good() const;
  Step while_ends(scsi::SenseCode code) const;
};

struct Row {
  std::string name;
  std::vector<Step> steps;
};

// The first difference between an answer and what was expected; empty: none.
std::string difference(const Step& step, const Answer& answer, const Places& places);

// Blocks by a seed, which no compression makes smaller. None of their bytes is zero, so that what did not
// come is seen.
Bytes pattern(std::uint8_t seed, std::size_t bytes);

}  // namespace tapewarden::suite

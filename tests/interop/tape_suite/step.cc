#include "step.h"

#include <random>
#include <sstream>

namespace tapewarden::suite {
namespace {

std::string code_text(const scsi::SenseCode& code) {
  const Bytes bytes{static_cast<std::uint8_t>(code.key), code.asc, code.ascq};
  const auto hex = to_hex(bytes);
  return hex.substr(0, 2) + "/" + hex.substr(2, 2) + "/" + hex.substr(4, 2);
}

std::string status_text(scsi::ScsiStatus status, const scsi::SenseCode& code) {
  if (status == scsi::ScsiStatus::kGood) return "good";
  if (status == scsi::ScsiStatus::kCheckCondition) return code_text(code);
  return "status " + to_hex(Bytes{static_cast<std::uint8_t>(status)});
}

template <typename T>
std::string differs(const std::string& what, const T& got, const T& wanted) {
  std::ostringstream text;
  text << what << " " << got << ", not " << wanted;
  return text.str();
}

std::string flags_text(bool filemark, bool end_of_medium, bool incorrect_length) {
  std::string text;
  if (filemark) text += " FILEMARK";
  if (end_of_medium) text += " EOM";
  if (incorrect_length) text += " ILI";
  return text.empty() ? " none" : text;
}

std::string data_difference(const Bytes& got, const Bytes& wanted) {
  if (got.size() != wanted.size()) return differs("bytes", got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    if (got[i] != wanted[i]) return "byte " + std::to_string(i) + " is another";
  return {};
}

}  // namespace

std::uint16_t Places::slot(unsigned number) const {
  return static_cast<std::uint16_t>(elements.storage.first + number - 1);
}
std::uint16_t Places::drive(unsigned number) const {
  return static_cast<std::uint16_t>(elements.data_transfer.first + number);
}

Step Step::check(scsi::SenseCode code) const {
  Step step = *this;
  step.expected.status = scsi::ScsiStatus::kCheckCondition;
  step.expected.code = code;
  return step;
}
Step Step::filemark() const {
  Step step = check({scsi::SenseKey::kNoSense, 0x00, 0x01});
  step.expected.filemark = true;
  return step;
}
Step Step::incorrect_length() const {
  Step step = check({scsi::SenseKey::kNoSense, 0x00, 0x00});
  step.expected.incorrect_length = true;
  return step;
}
Step Step::end_of_medium() const {
  Step step = *this;
  step.expected.end_of_medium = true;
  return step;
}
Step Step::information(std::int64_t value) const {
  Step step = *this;
  step.expected.information = value;
  return step;
}
Step Step::data(Bytes content) const {
  Step step = *this;
  step.expected.data = std::move(content);
  return step;
}
Step Step::residual(std::int64_t value) const {
  Step step = *this;
  step.expected.residual = value;
  return step;
}
Step Step::status(scsi::ScsiStatus value) const {
  Step step = *this;
  step.expected.status = value;
  return step;
}
Step Step::look(std::function<std::string(const Answer&, const Places&)> check) const {
  Step step = *this;
  step.expected.look = std::move(check);
  return step;
}
Step Step::on(Unit where) const {
  Step step = *this;
  step.unit = where;
  return step;
}
Step Step::other_host() const {
  Step step = *this;
  step.by_other_host = true;
  return step;
}
Step Step::first() const {
  Step step = *this;
  step.attentions_count = true;
  return step;
}

Step Step::while_good() const {
  Step step = *this;
  step.again = [](const Answer& answer) { return answer.status == scsi::ScsiStatus::kGood; };
  return step;
}
Step Step::while_ends(scsi::SenseCode code) const {
  Step step = *this;
  step.again = [code](const Answer& answer) {
    return answer.status == scsi::ScsiStatus::kCheckCondition && answer.sense.code == code;
  };
  return step;
}

std::string difference(const Step& step, const Answer& answer, const Places& places) {
  const Expected& wanted = step.expected;
  const scsi::Sense& sense = answer.sense;
  const auto got_text = status_text(answer.status, sense.code);
  const auto wanted_text = status_text(wanted.status, wanted.code);
  if (got_text != wanted_text) return got_text + ", not " + wanted_text;
  const auto got_flags = flags_text(sense.filemark, sense.end_of_medium, sense.incorrect_length);
  const auto wanted_flags = flags_text(wanted.filemark, wanted.end_of_medium, wanted.incorrect_length);
  if (got_flags != wanted_flags) return got_text + " with flags" + got_flags + ", not" + wanted_flags;
  if (wanted.information && !sense.information) return "no INFORMATION";
  if (wanted.information && *sense.information != *wanted.information)
    return differs("INFORMATION", *sense.information, *wanted.information);
  auto residual = wanted.residual;
  if (wanted.data) {
    if (auto text = data_difference(answer.data, *wanted.data); !text.empty()) return text;
    if (!residual) residual = static_cast<std::int64_t>(step.room - wanted.data->size());
  }
  if (!step.out.empty() && wanted.status == scsi::ScsiStatus::kGood && !residual) residual = 0;
  if (residual && answer.residual != *residual) return differs("residual", answer.residual, *residual);
  return wanted.look ? wanted.look(answer, places) : std::string();
}

Bytes pattern(std::uint8_t seed, std::size_t bytes) {
  std::mt19937_64 numbers(seed);
  Bytes block(bytes);
  for (auto& byte : block) byte = static_cast<std::uint8_t>(numbers() % 255 + 1);
  return block;
}

}  // namespace tapewarden::suite

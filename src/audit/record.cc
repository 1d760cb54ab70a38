#include "audit/record.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "store/record_text.h"

namespace tapewarden::audit {

namespace {

constexpr std::array<std::string_view, 8> kTypes = {
    "authentication",           "authorization",    "data_synchronization", "runtime", "resource_management",
    "configuration_management", "audit_management", "key_serving"};
constexpr std::array<std::string_view, 2> kOutcomes = {"success", "failure"};
constexpr std::array<std::string_view, 9> kOwnNames = {"n",    "at",    "chain",      "end",   "mark",
                                                       "head", "audit", "checkpoint", "commit"};

template <typename Enum, std::size_t N>
std::optional<Enum> parse_name(const std::array<std::string_view, N>& names, std::string_view text) {
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view to_string(EventType type) {
  return kTypes.at(static_cast<std::size_t>(type));
}
std::string_view to_string(Outcome outcome) {
  return kOutcomes.at(static_cast<std::size_t>(outcome));
}
std::optional<EventType> parse_event_type(std::string_view text) {
  return parse_name<EventType>(kTypes, text);
}
std::optional<Outcome> parse_outcome(std::string_view text) {
  return parse_name<Outcome>(kOutcomes, text);
}

std::span<const EventType> all_event_types() {
  static constexpr std::array kAll = {EventType::kAuthentication,      EventType::kAuthorization,
                                      EventType::kDataSynchronization, EventType::kRuntime,
                                      EventType::kResourceManagement,  EventType::kConfigurationManagement,
                                      EventType::kAuditManagement,     EventType::kKeyServing};
  static_assert(kAll.size() == kTypes.size());
  return kAll;
}
std::span<const Outcome> all_outcomes() {
  static constexpr std::array kAll = {Outcome::kSuccess, Outcome::kFailure};
  static_assert(kAll.size() == kOutcomes.size());
  return kAll;
}

std::string json_quoted(std::string_view text) {
  if (text.size() <= kFieldBytesLimit) return store::json_quoted(text);
  return store::json_quoted(std::string(text.substr(0, kFieldBytesLimit)) + "...");
}

Record::Record(EventType type, Outcome outcome, std::string_view action) {
  json_ = "{\"type\":\"" + std::string(to_string(type)) + "\",\"outcome\":\"" +
          std::string(to_string(outcome)) + "\",\"action\":" + json_quoted(action);
}

void Record::add_name(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  TW_ASSERT(!name.empty() && std::ranges::all_of(name, fits));
  TW_ASSERT(std::ranges::find(kOwnNames, name) == kOwnNames.end());
  json_ += ",\"" + std::string(name) + "\":";
}

Record& Record::set(std::string_view name, std::string_view text) {
  add_name(name);
  json_ += json_quoted(text);
  return *this;
}

Record& Record::set(std::string_view name, std::int64_t number) {
  add_name(name);
  json_ += std::to_string(number);
  return *this;
}

}  // namespace tapewarden::audit

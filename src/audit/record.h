// One event for the audit record (K13), as a JSON object in one line of printable ASCII: whatever text comes
// from outside, it cannot end the line, close the object or add a field. Values; not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tapewarden::audit {

// The event types of the EKM's audit (manual table 7-1), and key serving as GKLM has it.
enum class EventType : std::uint8_t {
  kAuthentication,
  kAuthorization,
  kDataSynchronization,
  kRuntime,
  kResourceManagement,
  kConfigurationManagement,
  kAuditManagement,
  kKeyServing,
};
enum class Outcome : std::uint8_t { kSuccess, kFailure };

std::span<const EventType> all_event_types();
std::span<const Outcome> all_outcomes();
// "authentication", "data_synchronization", …; "success", "failure".
std::string_view to_string(EventType type);
std::string_view to_string(Outcome outcome);
std::optional<EventType> parse_event_type(std::string_view text);
std::optional<Outcome> parse_outcome(std::string_view text);

inline constexpr std::size_t kFieldBytesLimit = 4096;  // a longer text is cut, with "..." at its end

class Record {
 public:
  // `action` says what happened in a few fixed words, for example "serve key for write".
  Record(EventType type, Outcome outcome, std::string_view action);

  // Who caused it: an account, a drive, a client certificate.
  Record& actor(std::string_view who) { return set("actor", who); }
  // Adds a field; text is taken as UTF-8. REQUIRES: `name` is lower-case letters, digits and underscores and
  // none of the audit file's own (n, at, chain, end, mark, head, audit, checkpoint, commit).
  Record& set(std::string_view name, std::string_view text);
  Record& set(std::string_view name, std::int64_t number);

  // For Transaction::record().
  std::string json() const { return json_ + "}"; }

 private:
  void add_name(std::string_view name);

  std::string json_;
};

// `text` between quotes, all but printable ASCII written as \uXXXX.
std::string json_quoted(std::string_view text);

}  // namespace tapewarden::audit

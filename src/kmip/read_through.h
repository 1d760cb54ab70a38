// Read-through (K20): what a client asks for and is not here may still be at the key server that it had
// before. What is looked for, who brings it, and how that goes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "kmip/attributes.h"
#include "kmip/exchange.h"

namespace tapewarden::kmip {

struct SoughtObject {
  std::string id;                 // the identifier, as the client gave it; empty: by attributes
  std::vector<Attribute> wanted;  // what a Locate asked for

  // The same for two that look for the same; short.
  std::string key() const;
};

// Whether a Locate with that attribute looks for certain objects, and not for all of a kind.
bool tells_objects_apart(const AttributeId& id);

// Whoever asks old key servers. Thread-safe.
class ReadThrough {
 public:
  // Nothing: the object is here now, or the old server has none: whoever looks again knows. An error: neither
  // is known, and "there is none" must not be answered; or it was destroyed there.
  using Done = std::function<void(std::optional<Error> trouble)>;

  virtual ~ReadThrough() = default;
  // The old server's name, where what that owner lacks is looked for; empty: nowhere.
  virtual std::string source_of(std::string_view owner) const = 0;
  // Does not wait. `here` carries a message out at this server for the client that asks; it may wait. `done`
  // is called once, on any thread.
  virtual void bring(std::string_view owner, SoughtObject sought, Exchange here, Done done) = 0;
};

enum class OldServerCondition : std::uint8_t {
  kUntried,    // nothing was asked yet
  kAnswering,  // the last question was answered
  kFailing,    // the last one was not; the next one is asked after a while
};
std::string_view to_string(OldServerCondition condition);  // "untried", "answering", "failing"

// For operators: how far it is since this server started.
struct OldServerState {
  std::string source;
  std::string owner;
  OldServerCondition condition = OldServerCondition::kUntried;
  std::size_t waiting = 0;      // questions, those under way among them
  std::uint64_t adopted = 0;    // objects
  std::uint64_t not_there = 0;  // questions for what the old server has not either
  std::uint64_t refused = 0;    // questions for what it has, and did not come
  std::uint64_t failed = 0;     // questions that were not answered
  std::string last_error;       // of those that failed or were refused; empty: none
  WallTime last_error_at{};
  WallTime last_answer_at{};
};

}  // namespace tapewarden::kmip

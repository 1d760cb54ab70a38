// The audit records that people/ writes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env.h"
#include "people/person.h"

namespace tapewarden::people {

enum class EventType : std::uint8_t { kAuthentication, kAuthorization, kManagement };

struct Event {
  EventType type = EventType::kManagement;
  std::string_view action;  // NOUN.VERB, for example "person.create"
  Principal actor;
  bool success = true;
  std::vector<std::pair<std::string_view, std::string>> fields;  // never a secret
};

// One JSON object in one line, for store::Transaction::record().
// The audit file adds the time.
std::string to_record(const Event& event);

}  // namespace tapewarden::people

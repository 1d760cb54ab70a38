// Takes what another KMIP server keeps for a client over to this one (K20), with the client's own certificate
// at both ends: each object that the client finds there is imported here under its identifier, with its
// attributes and in its state. The old server is only asked: nothing is changed there. What is here already
// is passed over, so that a migration that was cut off is begun again. Pure but for what the exchanges do;
// one thread.
//
// Identifiers are UUIDs here. Of an object that has another one, the client finds it by that all the same: it
// is kept as the attribute x-Earlier-Identifier, which stands for an identifier in every request.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "kmip/client/credential.h"
#include "kmip/exchange.h"

namespace tapewarden::kmip {

enum class MigrationOutcome : std::uint8_t { kTaken, kHere, kLeft };
std::string_view to_string(MigrationOutcome outcome);  // "taken", "here", "left"

enum class LeftBecause : std::uint8_t {
  kNothing,    // it was not left
  kNotThere,   // the old server has no such object
  kDestroyed,  // there
  kRefused,    // by the old server or by this one: the remark says why
};

struct MigratedObject {
  std::string id;  // at the old server
  MigrationOutcome outcome = MigrationOutcome::kLeft;
  std::string remark;  // why it was left; of a taken one, what of it was not; may be empty
  LeftBecause because = LeftBecause::kNothing;
};

struct MigrationOrder {
  std::string source;  // names the old server: identifiers of two servers are kept apart by it
  bool dry_run = false;
  Credential there{};  // what the client shows besides its certificate
  Credential here{};
};

// Calls `tell` for each object. An error of an exchange ends it.
Status migrate_objects(const Exchange& from, const Exchange& to, const MigrationOrder& order,
                       const std::function<void(const MigratedObject&)>& tell);

}  // namespace tapewarden::kmip

// Carries one object that a client has at another KMIP server to this one (K20): with its identifier, its
// attributes and its state, by Import in the client's name. The other server is only asked.
//
// Invariants
//  C1 An object that was carried is here with the state that it has there, in one message and so in one
//     transaction: who is cut off in between finds all of it or nothing.
//  C2 What is here already keeps everything, but for its state, which follows where it goes forward.
// Pure but for what the exchanges do; one thread.
#pragma once

#include <optional>
#include <string>

#include "kmip/attributes.h"
#include "kmip/client/migration.h"
#include "kmip/client/server_end.h"

namespace tapewarden::kmip {

class ObjectCarrier {
 public:
  // Borrows all; they outlive it.
  ObjectCarrier(const ServerEnd& from, const ServerEnd& to, const MigrationOrder& order)
      : from_(from), to_(to), order_(order) {}

  // The object that has that identifier there. Errors are those of the exchanges.
  Result<MigratedObject> take(const std::string& id) const;

 private:
  enum class State : std::uint32_t { kPreActive = 1, kActive, kDeactivated, kCompromised, kDestroyed };
  // What is known of an object before it is imported.
  struct Known {
    std::string id;     // there
    std::string as;     // here
    AttributeSet kept;  // what goes along
    std::string left;   // attributes that do not
    State state = State::kPreActive;
  };

  std::string here(const std::string& id) const;
  Status read(const ttlv::Item& payload, Known& known) const;
  Result<std::optional<State>> state_here(const std::string& id) const;
  Status import(const Known& known, MigratedObject& out) const;
  std::vector<ServerEnd::Question> steps_to_state(const Known& known) const;
  Status follow(const Known& known, MigratedObject& out) const;

  const ServerEnd& from_;
  const ServerEnd& to_;
  const MigrationOrder& order_;
};

}  // namespace tapewarden::kmip

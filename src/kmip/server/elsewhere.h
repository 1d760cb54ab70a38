// What one message looks for that is not here, and may be at the old key server (read_through.h). An item
// that meets such a thing ends the run without an answer; the engine has it brought, with neither snapshot
// nor transaction open, and carries the message out anew. One thread at a time.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "kmip/read_through.h"

namespace tapewarden::kmip {

// The error that ends a run so.
inline constexpr std::uint32_t kAskElsewhere = 1U << 28U;

class Elsewhere {
 public:
  // Where what is missing is looked for; empty: nowhere.
  void look_at(std::string source) { source_ = std::move(source); }
  // Success: nobody has it, as far as there is somebody to ask. kAskElsewhere; or why that is not known.
  Status seek(SoughtObject sought);

  const std::optional<SoughtObject>& sought() const { return sought_; }
  void answer(std::optional<Error> trouble);

 private:
  std::string source_;
  std::optional<SoughtObject> sought_;
  std::map<std::string, std::optional<Error>> answered_;  // by SoughtObject::key()
};

}  // namespace tapewarden::kmip

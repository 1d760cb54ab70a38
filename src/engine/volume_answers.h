// Who answers what a host asks by writing on a logical volume (feature row T10): engine/host/ recognises such
// volumes and puts the answer in the request's place, and knows nothing of what is asked. Thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tapewarden::engine {

class VolumeAnswers {
 public:
  virtual ~VolumeAnswers() = default;
  // Whether this is what a volume holds whose host wants an answer. Quick, and of the text alone.
  virtual bool is_request(std::string_view text) const = 0;
  // The answer as text, a piece of whole lines at a time; nothing: it is whole. Its first line is no
  // request's. Errors: there is no answer, and the host is told why. What it borrows outlives it.
  using Pieces = std::function<Result<std::optional<std::string>>()>;
  virtual Pieces answer(std::string_view text) = 0;
};

}  // namespace tapewarden::engine

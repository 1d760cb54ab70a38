// Errors are values. An Error names what went wrong, the field that caused it, and what to do next. It never
// holds a secret: its texts may be logged, shown to operators and sent to peers. Values; safe to copy between
// threads.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace tapewarden {

// A code exists only where some caller acts on it; everything else is said in the message.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,   // the caller's input is wrong; `field` names it
  kNotFound,          // the named thing does not exist
  kAlreadyExists,     // the name is taken
  kPermissionDenied,  // known caller, not allowed
  kUnauthenticated,   // the caller did not prove who it is
  kConflict,          // the state of the thing does not allow this now
  kExhausted,         // a limit, quota or supply is used up
  kCorrupt,           // stored bytes are not what was written
  kWrongKey,          // a key check value says that this is not the key
  kUnavailable,       // try again later or elsewhere
  kTimeout,           // the deadline passed; the outcome may be unknown
  kUnsupported,       // valid, but not offered here
  kIo,                // the operating system refused
  kInternal,          // a defect in this program
};

// A stable lower-case name for interfaces, for example "not-found".
std::string_view to_string(ErrorCode code);

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;       // one sentence, no secret
  std::string field;         // the input field at fault, or empty
  std::string remedy;        // what the operator can do, or empty
  std::uint32_t detail = 0;  // a component's own code: an EKM code (EE32h) or a sense code; 0 when unused

  // "message (field: remedy)" as a person reads it.
  std::string text() const;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string field = {},
                                   std::string remedy = {}, std::uint32_t detail = 0) {
  return std::unexpected(Error{code, std::move(message), std::move(field), std::move(remedy), detail});
}

// The same error with "context: " set before its message.
std::unexpected<Error> in_context(std::string_view context, Error error);

}  // namespace tapewarden

// TRY(expression): the value of a Result, or an early return of its error.
#define TW_TRY_NAMED(name, ...)                                           \
  __extension__({                                                         \
    auto&& name = (__VA_ARGS__);                                          \
    if (!name) [[unlikely]]                                               \
      return std::unexpected(std::forward<decltype(name)>(name).error()); \
    *std::forward<decltype(name)>(name);                                  \
  })
#define TW_TRY_JOIN(a, b) a##b
#define TW_TRY_UNIQUE(counter, ...) TW_TRY_NAMED(TW_TRY_JOIN(tw_try_, counter), __VA_ARGS__)
#define TRY(...) TW_TRY_UNIQUE(__COUNTER__, __VA_ARGS__)

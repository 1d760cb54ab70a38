// Distinct types for values that share a representation, so that a label cannot be passed where a volser is
// meant.
#pragma once

#include <compare>
#include <functional>
#include <utility>

namespace tapewarden {

template <typename Tag, typename T>
class StrongId {
 public:
  constexpr StrongId() = default;
  constexpr explicit StrongId(T value) : value_(std::move(value)) {}
  constexpr const T& value() const { return value_; }
  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;
  friend constexpr bool operator==(const StrongId&, const StrongId&) = default;

 private:
  T value_{};
};

}  // namespace tapewarden

template <typename Tag, typename T>
struct std::hash<tapewarden::StrongId<Tag, T>> {
  std::size_t operator()(const tapewarden::StrongId<Tag, T>& id) const { return std::hash<T>{}(id.value()); }
};

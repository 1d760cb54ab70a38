// Rows that the group under way has read or written, as they stand in its transaction: a counter, a group's
// cursor or a key is looked at and changed by one exchange after the other, and each look would cost a
// statement and a MAC. One thread.
//
// Invariant
//  G1 What is kept is what SELECT would give in the transaction: nobody else writes meanwhile, each write of
//     the group is kept too or forgotten, and everything is forgotten when a work is undone or the group
//     ends.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "store/layout.h"

namespace tapewarden::store {

class GroupRows {
 public:
  static constexpr std::size_t kRows = 1024;  // beyond it all are forgotten

  // Where a row is kept.
  static std::string place(const Layout& layout, std::span<const Value> key);

  // The row, verified, or that there is none; nullptr when it must be read. Valid until the next call of
  // another function.
  const std::optional<StoredRow>* find(const std::string& place) const;
  const std::optional<StoredRow>& keep(std::string place, std::optional<StoredRow> row);
  void forget(const std::string& place) { rows_.erase(place); }
  void forget() { rows_.clear(); }

 private:
  std::unordered_map<std::string, std::optional<StoredRow>> rows_;
};

}  // namespace tapewarden::store

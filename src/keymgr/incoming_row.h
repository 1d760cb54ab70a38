// Holds the columns of an incoming row against limits, by name. The first that does not fit is the answer.
// For the checks in peer_rules.cc and peer_key_rules.cc. One thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "store/schema.h"

namespace tapewarden::keymgr {

// No count, place or time of this program goes beyond it, nor does any sum of two of them overflow.
inline constexpr std::int64_t kLargestNumber = std::int64_t{1} << 53;

class RowChecks {
 public:
  RowChecks(const store::TableSpec& table, const store::IncomingRow& in) : table_(table), in_(in) {}

  std::int64_t integer(std::string_view column) const { return store::integer(in_.row, place(column)); }
  const std::string& text(std::string_view column) const { return store::text(in_.row, place(column)); }
  const Bytes& blob(std::string_view column) const { return store::blob(in_.row, place(column)); }
  // REQUIRES: checked by bytes() to have 16.
  Uuid uuid(std::string_view column) const { return Uuid::from(blob(column)); }
  // Of the row here. REQUIRES: there is one.
  std::int64_t my_integer(std::string_view column) const { return store::integer(*in_.mine, place(column)); }
  const std::string& my_text(std::string_view column) const { return store::text(*in_.mine, place(column)); }
  const Bytes& my_blob(std::string_view column) const { return store::blob(*in_.mine, place(column)); }

  RowChecks& within(std::string_view column, std::int64_t least, std::int64_t most) {
    return that(integer(column) >= least && integer(column) <= most, "is out of range", column);
  }
  RowChecks& flag(std::string_view column) { return within(column, 0, 1); }
  RowChecks& counts(std::initializer_list<std::string_view> columns) {
    for (const auto column : columns) within(column, 0, kLargestNumber);
    return *this;
  }
  // One of these sizes.
  RowChecks& bytes(std::string_view column, std::initializer_list<std::size_t> sizes) {
    bool fits = false;
    for (const std::size_t size : sizes) fits = fits || blob(column).size() == size;
    return that(fits, "has another size", column);
  }
  RowChecks& most_bytes(std::string_view column, std::size_t most) {
    return that(blob(column).size() <= most, "is too long", column);
  }
  RowChecks& words(std::initializer_list<std::string_view> columns, std::size_t most) {
    for (const auto column : columns) that(text(column).size() <= most, "is too long", column);
    return *this;
  }
  // `canonical` is what the program would have made of the column's text.
  RowChecks& canonical(std::string_view column, const Result<std::string>& canonical) {
    return that(canonical && *canonical == text(column), "is not as it is stored", column);
  }
  RowChecks& that(bool good, std::string_view why, std::string_view column) {
    if (good || !status_) return *this;
    status_ = fail(ErrorCode::kInvalidArgument, "its " + std::string(column) + " " + std::string(why),
                   std::string(column));
    return *this;
  }
  bool good() const { return status_.has_value(); }
  Status take() const { return status_; }

  // Whose row it is. REQUIRES: `column` has 16 bytes.
  bool is_senders(std::string_view column) const { return uuid(column) == in_.sender; }
  bool is_mine(std::string_view column) const { return uuid(column) == in_.self; }
  // The row is already here as it came.
  bool is_known() const { return in_.mine != nullptr && *in_.mine == in_.row; }

 private:
  std::size_t place(std::string_view column) const;

  const store::TableSpec& table_;
  const store::IncomingRow& in_;
  Status status_;
};

}  // namespace tapewarden::keymgr

#include "tape/library/barcode.h"

#include <algorithm>

#include "base/text.h"
#include "tape/library/limits.h"

namespace tapewarden::tape {
namespace {

constexpr std::size_t kMaxBarcode = 8;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::unexpected<Error> no_range() {
  return fail(ErrorCode::kInvalidArgument, "this is no range of barcodes", "barcodes",
              "write one barcode, or a first and a last one that differ in one number: VOL001L9-VOL020L9");
}

// The run of digits around the first character in which the two differ: [begin, end).
struct Run {
  std::size_t begin;
  std::size_t end;
};
Result<Run> differing_run(const std::string& first, const std::string& last) {
  if (first.size() != last.size()) return no_range();
  const auto differs = std::ranges::mismatch(first, last).in1 - first.begin();
  Run run{static_cast<std::size_t>(differs), static_cast<std::size_t>(differs)};
  const auto digit_at = [&](std::size_t i) { return is_digit(first[i]) && is_digit(last[i]); };
  while (run.begin > 0 && digit_at(run.begin - 1)) --run.begin;
  while (run.end < first.size() && digit_at(run.end)) ++run.end;
  if (run.end == static_cast<std::size_t>(differs) || first.substr(run.end) != last.substr(run.end))
    return no_range();
  return run;
}

}  // namespace

Result<std::string> checked_barcode(std::string_view text) {
  auto barcode = to_upper(trim(text));
  const auto plain = [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z'); };
  if (!barcode.empty() && barcode.size() <= kMaxBarcode && std::ranges::all_of(barcode, plain))
    return barcode;
  return fail(ErrorCode::kInvalidArgument, "a barcode has 1 to 8 characters of A-Z and 0-9", "barcode",
              "for example VOL001L9");
}

Result<std::vector<std::string>> barcode_range(std::string_view text) {
  const auto ends = split(text, '-');
  if (ends.size() > 2) return no_range();
  const auto first = TRY(checked_barcode(ends.front()));
  const auto last = TRY(checked_barcode(ends.back()));
  if (first == last) return std::vector{first};
  const auto run = TRY(differing_run(first, last));
  const auto width = run.end - run.begin;
  const auto from = std::stoul(first.substr(run.begin, width));
  const auto to = std::stoul(last.substr(run.begin, width));
  if (to < from || to - from >= kMaxBarcodeRange) return no_range();
  std::vector<std::string> barcodes;
  for (auto number = from; number <= to; ++number) {
    const auto digits = std::to_string(number);
    barcodes.push_back(first.substr(0, run.begin) + std::string(width - digits.size(), '0') + digits +
                       first.substr(run.end));
  }
  return barcodes;
}

bool counts_between(const std::string& first, const std::string& last, const std::string& barcode) {
  if (barcode.size() != first.size() || barcode < first || last < barcode) return false;
  const auto digits_at = [&](std::size_t i) { return is_digit(first[i]) && is_digit(last[i]); };
  std::size_t begin = 0;
  std::size_t end = first.size();
  while (begin < end && first[begin] == last[begin]) ++begin;
  while (end > begin && first[end - 1] == last[end - 1]) --end;
  while (begin < end && begin > 0 && digits_at(begin - 1)) --begin;
  while (begin < end && end < first.size() && digits_at(end)) ++end;
  for (std::size_t i = 0; i < barcode.size(); ++i) {
    const bool counts = i >= begin && i < end;
    if (counts ? digits_at(i) && !is_digit(barcode[i]) : barcode[i] != first[i]) return false;
  }
  return true;
}

Result<BarcodeRange> parse_barcode_bounds(std::string_view text) {
  const auto wrong = [](const std::string& what) {
    return fail(ErrorCode::kInvalidArgument, what, "barcodes", "write for example VOL000L9-VOL499L9");
  };
  const auto ends = split(text, '-');
  if (ends.size() > 2) return wrong("a range has a first and a last barcode");
  auto first = checked_barcode(ends.front());
  auto last = checked_barcode(ends.back());
  if (!first || !last || first->size() != last->size() || *last < *first)
    return wrong("this is no range of barcodes: " + std::string(text));
  return BarcodeRange{*std::move(first), *std::move(last)};
}

}  // namespace tapewarden::tape

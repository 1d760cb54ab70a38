#include "tape/library/barcode.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "tape/library/limits.h"

namespace tapewarden::tape {
namespace {

constexpr std::size_t kMaxBarcode = 8;
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

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

// What counts up between two barcodes of one length: what differs, with the digits around it.
Run counting_run(const std::string& first, const std::string& last) {
  const auto digits_at = [&](std::size_t i) { return is_digit(first[i]) && is_digit(last[i]); };
  Run run{0, first.size()};
  while (run.begin < run.end && first[run.begin] == last[run.begin]) ++run.begin;
  while (run.end > run.begin && first[run.end - 1] == last[run.end - 1]) --run.end;
  while (run.begin < run.end && run.begin > 0 && digits_at(run.begin - 1)) --run.begin;
  while (run.begin < run.end && run.end < first.size() && digits_at(run.end)) ++run.end;
  return run;
}

// In the order of barcodes.
std::string allowed_at(const std::string& first, const std::string& last, const Run& run, std::size_t i) {
  if (i < run.begin || i >= run.end) return first.substr(i, 1);
  return is_digit(first[i]) && is_digit(last[i]) ? std::string(kDigits)
                                                 : std::string(kDigits) + std::string(kLetters);
}

// The first barcode at or behind `from` with one of `allowed` in each place, each of which has one.
std::optional<std::string> smallest_from(const std::vector<std::string>& allowed, const std::string& from) {
  std::size_t fits = 0;
  while (fits < from.size() && allowed[fits].contains(from[fits])) ++fits;
  if (fits == from.size()) return from;
  for (auto at = fits + 1; at-- > 0;) {
    const auto next = std::ranges::upper_bound(allowed[at], from[at]);
    if (next == allowed[at].end()) continue;
    auto barcode = from.substr(0, at) + *next;
    for (auto rest = at + 1; rest < allowed.size(); ++rest) barcode += allowed[rest].front();
    return barcode;
  }
  return std::nullopt;
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
  const auto run = counting_run(first, last);
  for (std::size_t i = 0; i < barcode.size(); ++i)
    if (!allowed_at(first, last, run, i).contains(barcode[i])) return false;
  return true;
}

// The smallest barcode that both forms allow and that is not before either's first must not be behind
// either's last.
bool overlap(const BarcodeRange& a, const BarcodeRange& b) {
  if (a.first.size() != b.first.size()) return false;
  const auto run_a = counting_run(a.first, a.last);
  const auto run_b = counting_run(b.first, b.last);
  std::vector<std::string> allowed;
  for (std::size_t i = 0; i < a.first.size(); ++i) {
    auto& both = allowed.emplace_back(allowed_at(a.first, a.last, run_a, i));
    const auto other = allowed_at(b.first, b.last, run_b, i);
    std::erase_if(both, [&](char c) { return !other.contains(c); });
    if (both.empty()) return false;
  }
  const auto smallest = smallest_from(allowed, std::max(a.first, b.first));
  return smallest && *smallest <= std::min(a.last, b.last);
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

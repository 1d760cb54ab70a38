#include "keymgr/custody/comparison.h"

#include <algorithm>

#include "store/row_codec.h"

namespace tapewarden::keymgr {

namespace {

constexpr int kRounds = 20;                               // in which rows under way are looked at again
constexpr std::size_t kMovingKept = 20'000;               // rows to be looked at again; more are only counted
constexpr int kAttempts = 5;                              // at a stretch that grows while it is looked at
constexpr std::size_t kMostHere = kRowsInOneStretch * 4;  // of a stretch, rows that were added since included

using Prints = std::map<store::Row, store::RowPrint>;

Prints by_key(const std::vector<store::RowPrint>& rows) {
  Prints out;
  for (const auto& row : rows) out.emplace(row.key, row);
  return out;
}

class Comparison {
 public:
  Comparison(store::Keystore& keystore, const ComparisonParties& parties, const Hash256& salt)
      : keystore_(keystore), parties_(parties), salt_(salt) {}

  ComparisonReport run() {
    Status done;
    for (const auto& table : keystore_.replicated_tables()) {
      done = walk(table);
      if (!done) break;
      ++report_.tables;
    }
    if (done) done = look_again();
    if (!done) report_.error = done.error().text();
    return std::move(report_);
  }

 private:
  struct Stretch {
    std::string table;
    std::optional<store::Row> after{};
    std::optional<store::Row> until{};
  };

  CompareQuestion question(const Stretch& stretch, bool listed) const {
    CompareQuestion out{parties_.self, parties_.peer, listed, {}};
    out.rows.table = stretch.table;
    out.rows.after = stretch.after;
    out.rows.until = stretch.until;
    out.rows.limit = kRowsInOneStretch;
    out.rows.salt = salt_;
    return out;
  }

  Result<store::RowPrints> here(const Stretch& stretch, std::size_t limit, bool digests) {
    store::PrintRequest request = question(stretch, true).rows;
    request.limit = limit;
    request.digests = digests;
    return keystore_.prints(request);
  }

  Status check_going_on(bool again) const {
    if (parties_.go_on(again)) return {};
    return fail(ErrorCode::kUnavailable, "the comparison was ended before its time");
  }

  // Up to where each server had the other's commits before the rows were looked at.
  struct Marks {
    std::uint64_t mine;
    std::uint64_t theirs;
  };
  struct Heard {
    CompareAnswer answer;
    Marks marks;
  };

  Result<Heard> ask(const CompareQuestion& asked) const {
    const std::uint64_t acknowledged = parties_.acknowledged();
    Heard out{TRY(parties_.ask(asked)), {}};
    TRY(out.answer.check(asked));
    out.marks = {acknowledged, out.answer.acknowledged};
    if (out.marks.mine > 0 && out.marks.theirs > 0) return out;
    return fail(ErrorCode::kUnavailable,
                "one of the two servers has not had everything of the other yet: nothing can be judged",
                "peer", "compare when the status says that both are in step and no copy is under way");
  }

  Status walk(const std::string& table) {
    Stretch stretch{table};
    do {
      TRY(check_going_on(false));
      TRY(compare(stretch));
      stretch.after = std::exchange(stretch.until, std::nullopt);
    } while (stretch.after);
    return {};
  }

  // Sets `until` to where the stretch that begins at `after` ends; nothing: it was the last.
  Status compare(Stretch& stretch) {
    const auto heads = TRY(here(stretch, kRowsInOneStretch, false));
    if (heads.cut) stretch.until = heads.rows.back().key;
    const auto answer = TRY(ask(question(stretch, false))).answer;
    if (answer.until) stretch.until = answer.until;
    const auto mine = TRY(here(stretch, kMostHere, true));
    if (!mine.cut && answer.count == mine.rows.size() && answer.sum == sum_of(mine.rows)) {
      report_.rows += mine.rows.size();
      return {};
    }
    return list(stretch);
  }

  // A stretch that grows while it is looked at becomes shorter.
  Status list(Stretch& stretch) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const auto [answer, marks] = TRY(ask(question(stretch, true)));
      if (answer.until) stretch.until = answer.until;
      const auto mine = TRY(here(stretch, kMostHere, true));
      if (mine.cut) {
        stretch.until = mine.rows[kRowsInOneStretch - 1].key;
        continue;
      }
      report_.rows += mine.rows.size();
      judge(stretch.table, by_key(mine.rows), by_key(answer.rows), marks);
      return {};
    }
    report_.rows += kRowsInOneStretch;
    report_.moving += kRowsInOneStretch;
    return {};
  }

  void judge(const std::string& table, const Prints& mine, const Prints& theirs, const Marks& marks) {
    for (const auto& [key, print] : mine) {
      const auto other = theirs.find(key);
      judge(table, key, &print, other == theirs.end() ? nullptr : &other->second, marks);
    }
    for (const auto& [key, print] : theirs) {
      if (!mine.contains(key)) judge(table, key, nullptr, &print, marks);
    }
  }

  void judge(const std::string& table, const store::Row& key, const store::RowPrint* mine,
             const store::RowPrint* theirs, const Marks& marks) {
    if (mine != nullptr && theirs != nullptr && mine->digest == theirs->digest) return;
    const bool settled = (mine == nullptr || mine->commit <= marks.mine) &&
                         (theirs == nullptr || theirs->commit <= marks.theirs);
    if (!settled) {
      if (kept_ >= kMovingKept) {
        ++report_.moving;
        return;
      }
      ++kept_;
      moving_[table].push_back(key);
      return;
    }
    ++report_.differences;
    if (report_.first.size() >= kDifferencesKept) return;
    RowDifference out{table, store::printable_key(key), DifferenceKind::kDiffers, 0, 0, {}, {}};
    if (mine == nullptr) out.kind = DifferenceKind::kOnlyThere;
    if (theirs == nullptr) out.kind = DifferenceKind::kOnlyHere;
    if (mine != nullptr) {
      out.version_here = mine->version;
      out.origin_here = mine->origin;
    }
    if (theirs != nullptr) {
      out.version_there = theirs->version;
      out.origin_there = theirs->origin;
    }
    report_.first.push_back(std::move(out));
  }

  // Rows whose last change was still on its way, until it has arrived.
  Status look_again() {
    for (int round = 0; round < kRounds && kept_ > 0; ++round) {
      TRY(check_going_on(true));
      auto waiting = std::exchange(moving_, {});
      kept_ = 0;
      for (const auto& [table, keys] : waiting) TRY(look_again(table, keys));
    }
    report_.moving += kept_;
    return {};
  }

  Status look_again(const std::string& table, const std::vector<store::Row>& keys) {
    for (std::size_t at = 0; at < keys.size(); at += kKeysInOneQuestion) {
      CompareQuestion asked = question({table}, true);
      const std::size_t end = std::min(keys.size(), at + kKeysInOneQuestion);
      asked.rows.keys.assign(keys.begin() + static_cast<std::ptrdiff_t>(at),
                             keys.begin() + static_cast<std::ptrdiff_t>(end));
      const auto [answer, marks] = TRY(ask(asked));
      const auto mine = TRY(keystore_.prints(asked.rows));
      judge(table, by_key(mine.rows), by_key(answer.rows), marks);
    }
    return {};
  }

  store::Keystore& keystore_;
  const ComparisonParties& parties_;
  const Hash256 salt_;
  std::map<std::string, std::vector<store::Row>> moving_;
  std::size_t kept_ = 0;
  ComparisonReport report_;
};

}  // namespace

Result<CompareAnswer> answer_question(store::Keystore& keystore, const CompareQuestion& question,
                                      std::uint64_t acknowledged) {
  auto prints = TRY(keystore.prints(question.rows));
  CompareAnswer answer;
  // After the rows: never behind what they show.
  answer.head = keystore.head();
  answer.acknowledged = acknowledged;
  if (prints.cut) answer.until = prints.rows.back().key;
  answer.count = static_cast<std::uint32_t>(prints.rows.size());
  answer.sum = sum_of(prints.rows);
  if (question.listed) answer.rows = std::move(prints.rows);
  return answer;
}

ComparisonReport compare_tables(store::Keystore& keystore, const ComparisonParties& parties,
                                const Hash256& salt) {
  return Comparison(keystore, parties, salt).run();
}

}  // namespace tapewarden::keymgr

// What queries on small tables found (TableSpec::remembered), verified, kept until a commit changes the
// table: a key exchange asks for the same drive, KEK and rules each time, and SQLite's own cache of a reading
// connection is empty again after every commit. Thread-safe.
//
// Invariants
//  M1 A transaction that sees commit S gets an answer read at commit A only when no commit that changed its
//     table lies after the earlier of the two: it is what the transaction would read itself.
//  M2 A commit takes its number in changed_ before anybody can see it. So a transaction may say that it
//     sees the newest commit that was done before it began: when it sees a later one, that one's tables
//     count as changed.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"
#include "store/schema.h"

namespace tapewarden::store {

class RowMemory {
 public:
  using Rows = std::shared_ptr<const std::vector<Row>>;
  static constexpr std::size_t kAnswers = 4096;     // beyond it all are forgotten
  static constexpr std::size_t kRowsInAnswer = 32;  // a longer answer is not kept

  RowMemory(std::size_t tables, std::uint64_t head) : changed_(tables), head_(head), begun_(head) {}

  // What names an answer: the kind of question, the table, its condition and parameters.
  static std::string question(std::string_view kind, std::string_view condition,
                              std::span<const Value> parameters);

  // The newest commit now. To be asked before a transaction begins: it then sees that commit or a later one,
  // as `seen` below.
  std::uint64_t head() const { return head_.load(); }
  // Whether a transaction that sees `seen` shows what one that begins now would: no commit has begun since.
  bool is_newest(std::uint64_t seen) const { return begun_.load() == seen && head_.load() == seen; }

  // `table`: Layout::position. Nothing when the answer must be read.
  Rows find(std::size_t table, const std::string& question, std::uint64_t seen) const TW_EXCLUDES(mutex_);
  void keep(std::size_t table, std::string question, std::uint64_t seen, std::vector<Row> rows)
      TW_EXCLUDES(mutex_);

  // By the writer, around a commit. `tables` are those that commit `sequence` changes.
  void begin_commit(std::uint64_t sequence, std::span<const std::size_t> tables) TW_EXCLUDES(mutex_);
  // `head`: the newest commit now. Not called when that is not known.
  void end_commit(std::uint64_t head) {
    head_.store(head);
    begun_.store(head);
  }

 private:
  struct Answer {
    std::uint64_t seen = 0;
    Rows rows;
  };

  mutable Mutex mutex_;
  std::vector<std::uint64_t> changed_ TW_GUARDED_BY(mutex_);  // the last commit that changed each table
  std::unordered_map<std::string, Answer> answers_ TW_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> head_;
  std::atomic<std::uint64_t> begun_;  // the newest that may be visible
};

}  // namespace tapewarden::store

#include "store/row_memory.h"

#include <algorithm>

#include "store/row_codec.h"

namespace tapewarden::store {

std::string RowMemory::question(std::string_view kind, std::string_view condition,
                                std::span<const Value> parameters) {
  ByteWriter writer;
  writer.bytes16(as_bytes(kind)).bytes16(as_bytes(condition));
  for (const Value& value : parameters) encode_value(writer, value);
  return std::string(as_text(writer.view()));
}

RowMemory::Rows RowMemory::find(std::size_t table, const std::string& question, std::uint64_t seen) const {
  const MutexLock lock(mutex_);
  const auto found = answers_.find(question);
  if (found == answers_.end() || changed_[table] > std::min(found->second.seen, seen)) return nullptr;
  return found->second.rows;
}

void RowMemory::keep(std::size_t table, std::string question, std::uint64_t seen, std::vector<Row> rows) {
  if (rows.size() > kRowsInAnswer) return;
  auto kept = std::make_shared<const std::vector<Row>>(std::move(rows));
  const MutexLock lock(mutex_);
  if (changed_[table] > seen) return;
  if (answers_.size() >= kAnswers) answers_.clear();
  answers_[std::move(question)] = {seen, std::move(kept)};
}

void RowMemory::begin_commit(std::uint64_t sequence, std::span<const std::size_t> tables) {
  const MutexLock lock(mutex_);
  for (const std::size_t table : tables) changed_[table] = sequence;
  begun_.store(sequence);
}

}  // namespace tapewarden::store

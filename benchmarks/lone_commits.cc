#include "lone_commits.h"

#include "harness.h"

namespace tapewarden::bench {
namespace {

constexpr unsigned kCommits = 300;
constexpr std::size_t kRowBytes = 400;  // about what a key's row and its audit record take

}  // namespace

LoneCommits::LoneCommits() : row_(kRowBytes, 0x5A) {
  database_ = must(store::sqlite::Connection::open(folder_ / "lone.db", store::sqlite::Access::kCreate));
  must(
      database_->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                         "CREATE TABLE lone(id INTEGER PRIMARY KEY, content BLOB)"));
  const bool as_said = must(database_->text_of("PRAGMA journal_mode")) == "wal" &&
                       must(database_->integer_of("PRAGMA synchronous")) == 2;
  if (!as_said) throw std::runtime_error("the yardstick's database is not WAL with synchronous=FULL");
}

double LoneCommits::a_second() {
  auto insert = must(database_->prepare("INSERT INTO lone(content) VALUES (?)"));
  return kCommits / seconds_of([&] {
           for (unsigned i = 0; i < kCommits; ++i) {
             const store::sqlite::Use use(insert);
             use->bind_blob(1, row_);
             must(use->run());
           }
         });
}

}  // namespace tapewarden::bench

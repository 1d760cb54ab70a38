// A report piece by piece, so that it costs no more memory for a million volumes than for a few. Each piece
// is of one moment of the catalogue; a long report is not.
//
// Not thread-safe; catalogue and book outlive it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/catalogue/catalogue.h"
#include "engine/report/bulk_request.h"
#include "engine/report/statistics_book.h"

namespace tapewarden::engine {

class RowSource;

class ReportStream {
 public:
  // `book`: for the statistics of this moment; nullptr when there is none: then of this moment the sums alone
  // are told.
  ReportStream(Catalogue& catalogue, const StatisticsBook* book, const BulkRequest& request, WallTime now);
  ~ReportStream();
  ReportStream(ReportStream&&) noexcept;
  ReportStream& operator=(ReportStream&&) noexcept;

  // Goes on where another stream for the same request was. kInvalidArgument naming "after" for a text that
  // no place() gave. REQUIRES: next() was not called.
  Status go_to(std::string_view place);
  // Where the report stands after what next() gave; empty when it is whole. Printable; for go_to() alone.
  std::string place() const;

  // The next piece, never empty; nothing when the report is whole. kNotFound for a cartridge that there is
  // none of; errors of the catalogue. REQUIRES: it gave neither an error nor nothing before.
  Result<std::optional<std::string>> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// All of it at once. kExhausted when it is longer than `limit` bytes.
Result<std::string> whole_report(ReportStream stream, std::size_t limit);

}  // namespace tapewarden::engine

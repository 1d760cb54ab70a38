// A host of the suite: an iSCSI session by libiscsi that tells all that came of a command. One thread.
#pragma once

#include <memory>
#include <string>

#include "harness/library_target.h"
#include "scsi/logical_unit.h"

namespace tapewarden::suite {

struct Answer {
  scsi::ScsiStatus status = scsi::ScsiStatus::kGood;
  scsi::Sense sense{};  // whole, with CHECK CONDITION
  Bytes data{};         // what came, by the residual that the target told
  // Of the expected transfer length; negative where the target had more than there was room for.
  std::int64_t residual = 0;
};

class Host {
 public:
  // Logs in as `initiator`. kUnavailable with what the library says.
  static Result<std::unique_ptr<Host>> connect(const testing::LibraryTarget& target,
                                               const std::string& initiator);
  ~Host();  // cuts the connection

  // kUnavailable when the session is gone or the command took too long.
  Result<Answer> run(unsigned lun, const Bytes& cdb, std::size_t room = 0, const Bytes& out = {});
  // The same, past unit attentions.
  Result<Answer> run_past_attentions(unsigned lun, const Bytes& cdb, std::size_t room = 0,
                                     const Bytes& out = {});

 private:
  explicit Host(const std::string& initiator);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tapewarden::suite

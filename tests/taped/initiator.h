// An iSCSI session of libiscsi with one target: SCSI commands as bytes. One thread.
#pragma once

#include <memory>
#include <string>

#include "scsi/logical_unit.h"

namespace tapewarden::testing {

struct Login {
  std::uint16_t port = 0;
  std::string target;
  std::string user;
  std::string password;
  std::string initiator = "iqn.2026-01.example.initiator:test";
};

class Initiator {
 public:
  // kUnavailable with what the library says.
  static Result<std::unique_ptr<Initiator>> connect(const Login& login);
  ~Initiator();  // cuts the connection

  // What came back; sense data as far as libiscsi decodes them (key, ASC, ASCQ). kUnavailable when the
  // session is gone.
  Result<scsi::Response> run(unsigned lun, Bytes cdb, std::size_t data_in_room = 0, Bytes data_out = {});
  // The same, past unit attentions.
  Result<scsi::Response> run_past_attentions(unsigned lun, const Bytes& cdb, std::size_t data_in_room = 0,
                                             const Bytes& data_out = {});

 private:
  explicit Initiator(const std::string& name);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tapewarden::testing

// A key server behind a bay, for tests of the library. Not part of the library.
#pragma once

#include <algorithm>
#include <functional>

#include "scsi/key_path_pages.h"
#include "tape/device/fake_key_server.h"
#include "tape/library/library_test_kit.h"

namespace tapewarden::tape::test {

// Carries a drive's pages to a made-up key server, by the port that the bay gives it.
class FakeBayKeys final : public BayKeys {
 public:
  void serve(scsi::LogicalUnit& drive) override {
    ++served;
    if (on_serve) on_serve();
    if (!brings) return;
    const auto page = scsi::KeyRequestPage::decode(in(drive, scsi::key_path::kKeyRequest)).value();
    out(drive, scsi::key_path::kChallenge, server.challenge(page.request).encode());
    const scsi::ExchangeMessagePage answer{page.request, server.answer(page, signed_request(drive))};
    out(drive, scsi::key_path::kAnswer, answer.encode(scsi::key_path::kAnswer));
  }
  bool confirm(scsi::LogicalUnit& drive, const std::string& what,
               std::chrono::milliseconds for_how_long) override {
    ++asked;
    asked_of = what;
    patience = for_how_long;
    if (on_confirm) on_confirm();
    if (!reachable) return false;
    if (refuses) return refuse_all(drive);
    const auto status = scsi::KeyPathStatusPage::decode(in(drive, scsi::key_path::kStatus)).value();
    EXPECT_TRUE(status.confirm_due);
    const auto request = status.confirm_request;
    out(drive, scsi::key_path::kChallenge, server.challenge(request, true).encode());
    confirmed.push_back(signed_request(drive));
    const scsi::ExchangeMessagePage answer{request, server.confirmation(confirmed.back())};
    out(drive, scsi::key_path::kAnswer, answer.encode(scsi::key_path::kAnswer));
    return true;
  }
  void gave_up(const std::string& what) override { given_up.push_back(what); }
  std::vector<std::string> given_up;
  FakeServer server;
  bool brings = false;
  bool refuses = false;  // confirmations, for good
  int refused = 0;
  bool reachable = true;
  int served = 0;
  int asked = 0;
  std::string asked_of;
  std::chrono::milliseconds patience{};
  std::function<void()> on_confirm;
  std::function<void()> on_serve;
  std::vector<Bytes> confirmed;  // as the drive signed them

 private:
  // As the proxy does it: each once.
  bool refuse_all(scsi::LogicalUnit& drive) {
    std::vector<Uuid> seen;
    while (true) {
      const auto status = scsi::KeyPathStatusPage::decode(in(drive, scsi::key_path::kStatus)).value();
      if (!status.confirm_due || std::ranges::find(seen, status.confirm_request) != seen.end()) return false;
      seen.push_back(status.confirm_request);
      ++refused;
      const scsi::RefusalPage page{status.confirm_request, scsi::KeyRefusal::kNotFound, 0xee2d};
      out(drive, scsi::key_path::kRefusal, page.encode());
    }
  }
  static Bytes in(scsi::LogicalUnit& drive, std::uint16_t page) {
    const auto cdb = scsi::SecurityProtocolIn{0xf0, page, 65536}.encode();
    const auto response = drive.execute({.cdb = cdb, .nexus = kHost, .data_out = {}});
    EXPECT_GOOD(response);
    return response.data_in;
  }
  static void out(scsi::LogicalUnit& drive, std::uint16_t page, const Bytes& list) {
    const auto cdb = scsi::SecurityProtocolOut{0xf0, page, static_cast<std::uint32_t>(list.size())}.encode();
    EXPECT_GOOD(drive.execute({.cdb = cdb, .nexus = kHost, .data_out = list}));
  }
  static Bytes signed_request(scsi::LogicalUnit& drive) {
    constexpr auto kPage = scsi::key_path::kSignedRequest;
    return scsi::ExchangeMessagePage::decode(in(drive, kPage), kPage).value().message;
  }
};

}  // namespace tapewarden::tape::test

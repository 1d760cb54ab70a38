// The OASIS KMIP test cases against the engine of the key server, case by case in the order that they ask
// for.
#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>

#include "base/concat.h"
#include "keymgr/objects/kmip_clients.h"
#include "keymgr/objects/tables.h"
#include "keymgr/testing/test_server.h"
#include "kmip/encoding/xml.h"
#include "kmip/server/engine.h"
#include "oasis_case.h"

namespace tapewarden::conformance {
namespace {

namespace fs = std::filesystem;
using keymgr::testing::officer;

class KmipServer {
 public:
  KmipServer() : engine_(server_.manager(), nullptr, {}) {
    keymgr::GroupSpec spec;
    EXPECT_TRUE(server_.manager().create_group(officer(), "KMIP", spec));
    EXPECT_TRUE(server_.manager().generate_keys(officer(), 200, "KMI", "KMIP"));
    keymgr::KmipClient client;
    client.name = "library";
    client.fingerprint = peer_.fingerprint = Hash256{7};
    EXPECT_TRUE(server_.write([&](store::Transaction& transaction) -> Status {
      TRY(keymgr::KmipClients(server_.manager().context()).add(transaction, officer(), client));
      return {};
    }));
  }

  Bytes ask(Bytes message) {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<Bytes> answer;
    engine_.handle(std::move(message), peer_, [&](Bytes bytes) {
      const std::lock_guard lock(mutex);
      answer = std::move(bytes);
      came.notify_one();
    });
    std::unique_lock lock(mutex);
    came.wait_for(lock, std::chrono::seconds(60), [&] { return answer.has_value(); });
    return answer.value_or(Bytes());
  }

  std::int64_t now() { return to_millis(server_.clock.wall_now()) / 1000; }

 private:
  keymgr::testing::TestServer server_{1, keymgr::object_tables()};
  kmip::Peer peer_;
  kmip::Engine engine_;
};

// Empty: the case passed.
std::string run(KmipServer& server, Placeholders& placeholders, const Case& what) {
  std::size_t step = 0;
  for (const auto& exchange : what.exchanges) {
    const auto at = concat("step ", step++, ": ");
    const auto xml = placeholders.filled_in(exchange.request);
    if (!xml) return at + xml.error().text();
    const auto bytes = kmip::encoding::from_xml(*xml);
    if (!bytes) return at + bytes.error().text();
    const auto answer = server.ask(*bytes);
    const auto document = ttlv::decode(answer);
    if (!document) return at + "no answer";
    const auto got = kmip::encoding::to_xml(document->root());
    const auto difference = placeholders.compare(exchange.response, got);
    if (!difference.empty()) return concat(at, difference, "\n", got);
  }
  return {};
}

std::string run_together(const std::vector<fs::path>& paths) {
  KmipServer server;
  Placeholders placeholders(server.now());
  for (const auto& path : paths) {
    const auto read = read_case(path);
    if (!read) return read.error().text();
    const auto difference = run(server, placeholders, *read);
    if (!difference.empty()) return concat(path.filename().string(), ": ", difference);
  }
  return {};
}

class TapeLibraryProfile : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!fs::is_directory(vectors())) {
      GTEST_SKIP() << "no KMIP vectors at " << vectors() << ": set TAPEWARDEN_VECTORS to their folder";
    }
  }
};

TEST_P(TapeLibraryProfile, K21_AKeyIsMadeFoundServedChangedAndDestroyed) {
  const std::string version = GetParam();
  for (const auto* folder : {"v1.0-1.2-tape-library", "v1.3", "v1.4", "v2.0", "v2.1"}) {
    const auto mandatory = vectors() / folder / "mandatory";
    if (!fs::exists(mandatory / ("TL-M-1-" + version + ".xml"))) continue;
    std::vector<fs::path> cases;
    // The first asks what the server offers; Register is not among it yet.
    for (const auto* number : {"2", "3"}) {
      cases.push_back(mandatory / concat("TL-M-", number, "-", version, ".xml"));
    }
    EXPECT_EQ(run_together(cases), "");
    return;
  }
  ADD_FAILURE() << "no cases of version " << version;
}

INSTANTIATE_TEST_SUITE_P(Versions, TapeLibraryProfile,
                         ::testing::Values("10", "11", "12", "13", "14", "20", "21"));

}  // namespace
}  // namespace tapewarden::conformance

// A key server that speaks KMIP to one registered client, without a network. One thread.
#pragma once

#include <condition_variable>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>

#include "keymgr/objects/kmip_clients.h"
#include "keymgr/objects/managed_objects.h"
#include "keymgr/objects/tables.h"
#include "keymgr/testing/test_server.h"
#include "kmip/encoding/xml.h"
#include "kmip/server/engine.h"
#include "people/password.h"

namespace tapewarden::conformance {

class KmipServer {
 public:
  KmipServer() {
    look_through(nullptr);
    keymgr::GroupSpec spec;
    EXPECT_TRUE(server_.manager().create_group(keymgr::testing::officer(), "KMIP", spec));
    EXPECT_TRUE(server_.manager().generate_keys(keymgr::testing::officer(), 64, "KMI", "KMIP"));
    keymgr::KmipClient client;
    client.name = "library";
    client.fingerprint = peer_.fingerprint = Hash256{7};
    EXPECT_TRUE(server_.write([&](store::Transaction& transaction) -> Status {
      TRY(keymgr::KmipClients(server_.manager().context())
              .add(transaction, keymgr::testing::officer(), client));
      return {};
    }));
  }

  // The answer to a message, both as XML.
  std::string ask_xml(const std::string& xml) {
    const auto bytes = kmip::encoding::from_xml(xml);
    if (!bytes) return "not sent: " + bytes.error().text();
    const auto answer = ask(*bytes);
    const auto document = ttlv::decode(answer);
    return document ? kmip::encoding::to_xml(document->root()) : "no answer";
  }

  Bytes ask(Bytes message) {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<Bytes> answer;
    engine_->receive(std::move(message), peer_, [&](Bytes bytes) {
      const std::lock_guard lock(mutex);
      answer = std::move(bytes);
      came.notify_one();
    });
    std::unique_lock lock(mutex);
    came.wait_for(lock, std::chrono::seconds(60), [&] { return answer.has_value(); });
    return answer.value_or(Bytes());
  }

  // A message whose answer nobody waits for.
  void send(const std::string& xml) {
    if (auto bytes = kmip::encoding::from_xml(xml))
      engine_->handle(*std::move(bytes), peer_, [](const Bytes&) {});
  }

  // Where what is not here is looked for from now on. Nothing may be under way.
  void look_through(kmip::ReadThrough* old) {
    engine_ = std::make_unique<kmip::Engine>(server_.manager(), nullptr, kmip::ServerSettings(), old);
  }
  // What the client shows from now on.
  void show_certificate(const Hash256& fingerprint) { peer_.fingerprint = fingerprint; }

  void let_certificate_expire() { peer_.expired = true; }

  // Of the user "robot", besides the certificate.
  void require_password(std::string_view password) {
    EXPECT_TRUE(server_.write([&](store::Transaction& transaction) -> Status {
      const auto& context = server_.manager().context();
      const keymgr::KmipClients clients(context);
      auto client = *TRY(clients.find(transaction, "library"));
      client.user = "robot";
      auto cost = crypto::ScryptCost{};
      cost.n = 1024;
      const auto verifier = TRY(
          people::make_verifier(crypto::SecretBytes::copy_of(as_bytes(password)), cost, *context.env.random));
      TRY(clients.remove(transaction, keymgr::testing::officer(), client.name));
      TRY(clients.add(transaction, keymgr::testing::officer(), client, &verifier));
      return {};
    }));
  }
  // One more, with a certificate of that fingerprint.
  void register_client(const std::string& name, const Hash256& fingerprint) {
    keymgr::KmipClient client;
    client.name = name;
    client.fingerprint = fingerprint;
    EXPECT_TRUE(server_.write([&](store::Transaction& transaction) -> Status {
      TRY(keymgr::KmipClients(server_.manager().context())
              .add(transaction, keymgr::testing::officer(), client));
      return {};
    }));
  }

  void set_export(bool allowed) {
    EXPECT_TRUE(server_.write([&](store::Transaction& transaction) -> Status {
      const keymgr::KmipClients clients(server_.manager().context());
      auto client = *TRY(clients.find(transaction, "library"));
      client.may_export = allowed;
      TRY(clients.remove(transaction, keymgr::testing::officer(), client.name));
      TRY(clients.add(transaction, keymgr::testing::officer(), client));
      return {};
    }));
  }

  keymgr::testing::TestServer& server() { return server_; }
  // What `work` gives, a Result.
  template <typename Work>
  auto read(const Work& work) {
    std::invoke_result_t<Work, store::Reader&> out = fail(ErrorCode::kInternal, "nothing was read");
    EXPECT_TRUE(server_.keystore().read([&](store::Reader& reader) -> Status {
      out = work(reader);
      return {};
    }));
    return out;
  }
  keymgr::ManagedObjects objects() { return keymgr::ManagedObjects(server_.manager()); }

  std::int64_t now() { return to_millis(server_.clock.wall_now()) / 1000; }

 private:
  keymgr::testing::TestServer server_{1, keymgr::object_tables()};
  kmip::Peer peer_;
  std::unique_ptr<kmip::Engine> engine_;
};

}  // namespace tapewarden::conformance

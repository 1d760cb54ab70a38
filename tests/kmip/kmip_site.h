// A running pair of key servers that speak KMIP, and clients that are registered there. Tests of a suite use
// clients of their own.
#pragma once

#include <filesystem>
#include <fstream>

#include "harness/loopback.h"
#include "integration/running_site.h"
#include "kmip/kmip_link.h"

namespace tapewarden::testing {

class KmipSite : public RunningSite {
 protected:
  static void SetUpTestSuite() { start_site({}); }
  // `settings`: more lines of each server's [kmip].
  static void start_site(const std::array<std::string, 2>& settings) {
    auto made = TestSite::make();
    ASSERT_TRUE(made.has_value()) << made.error().text();
    site_ = std::move(*made);
    const auto ports = free_ports(4);
    ASSERT_EQ(ports.size(), 4U);
    for (const Which which : {Which::kPrimary, Which::kSecondary}) {
      const auto index = static_cast<std::size_t>(which);
      kmip_ports_.at(index) = ports[index];
      https_ports_.at(index) = ports[2 + index];
      std::ofstream(site_->folder(which) + "/keyd.toml", std::ios::app)
          << "\n[kmip]\nport = " << kmip_port(which)
          << "\nhttps = true\nhttps_port = " << https_ports_.at(index)
          << "\nauthorities = \"tls/libraries.crt\"\n"
          << settings.at(index);
      std::filesystem::copy_file(site_->path("ca/authority.crt"),
                                 site_->folder(which) + "/tls/libraries.crt");
    }
    const auto started = site_->start_both();
    ASSERT_TRUE(started.has_value()) << started.error().text();
  }

  static std::uint16_t kmip_port(Which which = Which::kPrimary) {
    return kmip_ports_.at(static_cast<std::size_t>(which));
  }

  static Result<Identity> identity(const std::string& name, int from_days = -1, int to_days = 365) {
    Identity out;
    out.key = crypto::PrivateKey::generate_p256();
    out.certificate = TRY(issue(site(), name, "kmip", out.key.public_key(), from_days, to_days));
    return out;
  }
  // A client that may ask both servers, and keys that it may be given.
  static Result<Identity> registered(const std::string& name, const std::string& group = {},
                                     int from_days = -1, int to_days = 365) {
    json::object order{{"name", name}};
    if (!group.empty()) order["group"] = group;
    return registered_as(std::move(order), from_days, to_days);
  }
  static Result<Identity> registered_as(json::object order, int from_days = -1, int to_days = 365) {
    auto out = TRY(identity(std::string(order.at("name").as_string()), from_days, to_days));
    order["certificate"] = out.certificate.pem();
    TRY(rest().post("/v1/kmip/clients", order));
    if (eventually([] { return keys_ready(Which::kPrimary) && keys_ready(Which::kSecondary); })) return out;
    return fail(ErrorCode::kTimeout, "no keys for KMIP were made");
  }
  static bool keys_ready(Which which) {
    const auto group = site().rest(which).get("/v1/groups/KMIP");
    return group && group->at("ready").to_number<std::int64_t>() > 10;
  }
  static Result<KmipLink> connect(const Identity& identity, Which which = Which::kPrimary) {
    return KmipLink::connect(site(), kmip_port(which), identity);
  }

  // A client's files, for programs that want them so.
  struct Files {
    std::string certificate;
    std::string key;
  };
  static Result<Files> files_of(const std::string& name) { return files_of(name, TRY(registered(name))); }
  static Files files_of(const std::string& name, const Identity& client) {
    Files out{site().path(name + ".crt"), site().path(name + ".key")};
    std::ofstream(out.certificate) << client.certificate.pem();
    const auto key = client.key.pem();
    std::ofstream(out.key) << as_text(key.reveal());
    return out;
  }

  // The key and its identifier, made for that key-associated data.
  struct Made {
    std::string id;
    Bytes key;
  };
  static Result<Made> make_key(KmipLink& link, const std::string& data) {
    const auto answers = TRY(link.ask({create_key(data, "TAPE01"), get_key()}));
    if (answers.size() != 2 || !answers[0].good() || !answers[1].good()) {
      return fail(ErrorCode::kInternal, answers.empty() ? "no answers" : answers.front().message);
    }
    return Made{answers[0].text(kmip::tag::kUniqueIdentifier), answers[1].key()};
  }

  static inline std::array<std::uint16_t, 2> kmip_ports_{};
  static inline std::array<std::uint16_t, 2> https_ports_{};
};

}  // namespace tapewarden::testing

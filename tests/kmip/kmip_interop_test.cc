// KMIP clients that nobody of this project wrote, at a real key server.
#include <gmock/gmock.h>
#include <sstream>

#include "kmip/kmip_site.h"

namespace tapewarden::testing {
namespace {

class KmipInterop : public KmipSite {
 protected:
  static Result<CommandResult> run(const std::string& script, const Files& files) {
    return run_command({"/usr/bin/python3", TW_KMIP_TESTS "/" + script, std::to_string(kmip_port()),
                        files.certificate, files.key, site().path("ca/authority.crt")},
                       site().path(script + ".log"), std::chrono::minutes{3});
  }
};

TEST_F(KmipInterop, K21_PyKmipMakesFindsReadsAndDestroysKeysInEveryVersionItSpeaks) {
  const auto files = files_of("pykmip");
  TW_ASSERT_OK(files);
  const auto result = run("pykmip_client.py", *files);
  TW_ASSERT_OK(result);
  EXPECT_EQ(result->end.exit_code, 0) << result->output;
  EXPECT_THAT(result->output, ::testing::HasSubstr("ok   KMIP_2_0: the other one is"));
}

struct Old {
  std::string kind;
  std::string id;
  std::string bytes;
};

std::vector<Old> objects_in(const std::string& output) {
  std::vector<Old> out;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Old one;
    const bool known = static_cast<bool>(words >> one.kind >> one.id >> one.bytes);
    if (known && from_hex(one.bytes) && one.id.size() < 4) out.push_back(one);
  }
  return out;
}

std::string material_of(const Answered& answer) {
  const auto document = ttlv::decode(answer.payload);
  if (!document) return "no payload";
  for (const auto object : {kmip::tag::kSymmetricKey, kmip::tag::kSecretData}) {
    const auto structure = document->root().find(object);
    if (!structure) continue;
    const auto value = structure->find(kmip::tag::kKeyBlock)->find(kmip::tag::kKeyValue);
    return to_hex(*value->find(kmip::tag::kKeyMaterial)->as_bytes());
  }
  const auto opaque = document->root().find(kmip::tag::kOpaqueObject);
  return opaque ? to_hex(*opaque->find(kmip::tag::kOpaqueDataValue)->as_bytes()) : "no object";
}

Asked locate_name(const std::string& name) {
  return {kmip::Operation::kLocate, [=](ttlv::Writer& out) {
            out.begin(kmip::tag::kAttributes).begin(kmip::tag::kName);
            out.add_text(kmip::tag::kNameValue, name);
            out.add_enumeration(kmip::tag::kNameType, kmip::NameType::kUninterpretedTextString);
            out.end().end();
          }};
}

TEST_F(KmipInterop, K20_WhatPyKmipsServerKeepsComesOverByKmip) {
  const auto client = registered("mover");
  TW_ASSERT_OK(client);
  const auto files = files_of("mover", *client);
  const std::string folder = site().path("old-server");
  std::filesystem::create_directories(folder);
  const auto ports = free_ports(1);
  ASSERT_EQ(ports.size(), 1U);
  const std::string port = std::to_string(ports[0]);
  const std::string authority = site().path("ca/authority.crt");
  const std::string tls = site().folder(Which::kPrimary) + "/tls/";
  auto old = Process::start({"/usr/bin/python3", TW_KMIP_TESTS "/pykmip_server.py", port, tls + "server.crt",
                             tls + "server.key", authority, folder},
                            folder + "/output.log");
  TW_ASSERT_OK(old);
  const auto filled = run_command(
      {"/usr/bin/python3", TW_KMIP_TESTS "/pykmip_fill.py", port, files.certificate, files.key, authority},
      site().path("pykmip_fill.log"), std::chrono::minutes{2});
  TW_ASSERT_OK(filled);
  const auto objects = objects_in(filled->output);
  ASSERT_EQ(objects.size(), 5U) << filled->output << old->output();
  const auto migrate = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command{program("tapewarden"),
                                     "migrate",
                                     "kmip",
                                     "127.0.0.1",
                                     "--port",
                                     port,
                                     "--certificate",
                                     files.certificate,
                                     "--key",
                                     files.key,
                                     "--authorities",
                                     authority,
                                     "--to",
                                     "127.0.0.1",
                                     "--to-port",
                                     std::to_string(kmip_port())};
    command.insert(command.end(), more.begin(), more.end());
    return run_command(command, site().path("migrate.log"), std::chrono::minutes{2});
  };
  const auto tried = migrate({"--dry-run"});
  TW_ASSERT_OK(tried);
  EXPECT_THAT(tried->output, ::testing::HasSubstr("would come: 5, here already: 0, left out: 0"));
  const auto moved = migrate({"--all"});
  TW_ASSERT_OK(moved);
  EXPECT_EQ(moved->end.exit_code, 0) << moved->output;
  EXPECT_THAT(moved->output, ::testing::HasSubstr("came: 5, here already: 0, left out: 0"));
  const auto again = migrate({});
  TW_ASSERT_OK(again);
  EXPECT_THAT(again->output, ::testing::HasSubstr("came: 0, here already: 5, left out: 0"));

  auto link = connect(*client);
  TW_ASSERT_OK(link);
  for (const auto& one : objects) {
    const auto got = link->ask(get_key(one.id));
    TW_ASSERT_OK(got);
    EXPECT_TRUE(got->good()) << one.kind << ": " << got->message;
    EXPECT_EQ(material_of(*got), one.bytes) << one.kind << ", by the identifier that it had";
    const auto named = link->ask(locate_name(one.kind == "compromised" ? "lost" : one.kind));
    TW_ASSERT_OK(named);
    if (one.kind != "secret" && one.kind != "opaque") {
      EXPECT_EQ(named->count(kmip::tag::kUniqueIdentifier), 1U);
    }
    const auto described = link->ask(by_id(kmip::Operation::kGetAttributes, one.id));
    TW_ASSERT_OK(described);
    const auto document = ttlv::decode(described->payload);
    const auto attributes = document->root().find(kmip::tag::kAttributes);
    const auto state = attributes ? attributes->find(kmip::tag::kState) : std::nullopt;
    const std::uint32_t wanted = one.kind == "active" ? 2U : one.kind == "compromised" ? 4U : 1U;
    if (one.kind != "opaque") {
      EXPECT_EQ(state ? *state->as_enumeration() : 0U, wanted) << one.kind;
    }
  }
}

TEST_F(KmipInterop, K21_LibmongocryptRegistersActivatesAndGetsASecret) {
  const auto files = files_of("mongocrypt");
  TW_ASSERT_OK(files);
  const auto result = run("libmongocrypt_client.py", *files);
  TW_ASSERT_OK(result);
  EXPECT_EQ(result->end.exit_code, 0) << result->output;
  EXPECT_THAT(result->output, ::testing::HasSubstr("ok   the data key opens with the key that Get gives"));
}

}  // namespace
}  // namespace tapewarden::testing

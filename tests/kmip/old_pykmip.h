// PyKMIP's server with some objects, as an old key server.
#pragma once

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "harness/loopback.h"
#include "kmip/kmip_link.h"

namespace tapewarden::testing {

struct OldObject {
  std::string kind;
  std::string id;
  std::string bytes;  // hex
};

class OldPyKmip {
 public:
  // Filled by the client with that certificate, which is that of all objects.
  static Result<OldPyKmip> start(TestSite& site, const std::string& certificate, const std::string& key) {
    OldPyKmip out;
    const std::string folder = site.path("old-server");
    std::filesystem::create_directories(folder);
    const auto ports = free_ports(1);
    if (ports.size() != 1) return fail(ErrorCode::kExhausted, "no port is free");
    out.port_ = ports[0];
    const std::string port = std::to_string(out.port_);
    const std::string authority = site.path("ca/authority.crt");
    const std::string tls = site.folder(Which::kPrimary) + "/tls/";
    out.process_ = TRY(Process::start({"/usr/bin/python3", TW_KMIP_TESTS "/pykmip_server.py", port,
                                       tls + "server.crt", tls + "server.key", authority, folder},
                                      folder + "/output.log"));
    const auto filled = TRY(
        run_command({"/usr/bin/python3", TW_KMIP_TESTS "/pykmip_fill.py", port, certificate, key, authority},
                    site.path("pykmip_fill.log"), std::chrono::minutes{2}));
    out.read(filled.output);
    if (out.objects_.size() == kObjects) return out;
    return fail(ErrorCode::kInternal, filled.output + out.process_->output());
  }

  std::uint16_t port() const { return port_; }
  const std::vector<OldObject>& objects() const { return objects_; }
  const OldObject& object(const std::string& kind) const {
    for (const auto& one : objects_) {
      if (one.kind == kind) return one;
    }
    return objects_.front();
  }
  void end() { process_.reset(); }

 private:
  static constexpr std::size_t kObjects = 5;

  void read(const std::string& output) {
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      OldObject one;
      const bool known = static_cast<bool>(words >> one.kind >> one.id >> one.bytes);
      if (known && from_hex(one.bytes) && one.id.size() < 4) objects_.push_back(one);
    }
  }

  std::uint16_t port_ = 0;
  std::optional<Process> process_;
  std::vector<OldObject> objects_;
};

// What Get gave, in hex.
inline std::string material_of(const Answered& answer) {
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

inline Asked locate_name(const std::string& name) {
  return {kmip::Operation::kLocate, [=](ttlv::Writer& out) {
            out.begin(kmip::tag::kAttributes).begin(kmip::tag::kName);
            out.add_text(kmip::tag::kNameValue, name);
            out.add_enumeration(kmip::tag::kNameType, kmip::NameType::kUninterpretedTextString);
            out.end().end();
          }};
}

// The State that Get Attributes tells; 0: none.
inline std::uint32_t state_in(KmipLink& link, const std::string& id) {
  const auto described = link.ask(by_id(kmip::Operation::kGetAttributes, id));
  const auto document = described ? ttlv::decode(described->payload) : Result<ttlv::Document>();
  if (!document) return 0;
  const auto attributes = document->root().find(kmip::tag::kAttributes);
  const auto state = attributes ? attributes->find(kmip::tag::kState) : std::nullopt;
  return state ? *state->as_enumeration() : 0U;
}

}  // namespace tapewarden::testing

// Writes seed corpora from real encodings: fuzz_seeds DIRECTORY makes DIRECTORY/NAME/NN for each fuzzer of
// the key exchange. Keys and signatures in them are random and belong to nobody.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/assert.h"
#include "dkx/testing/parties.h"

namespace {

using namespace tapewarden;

class Corpus {
 public:
  Corpus(std::filesystem::path root, const char* name) : folder_(std::move(root) / name) {
    std::filesystem::create_directories(folder_);
  }
  void add(ByteView bytes) {
    std::ofstream out(folder_ / ("seed-" + std::to_string(count_++)), std::ios::binary);
    out << as_text(bytes);
  }

 private:
  std::filesystem::path folder_;
  int count_ = 10;  // two digits, so that the files sort
};

void write_exchange(const std::filesystem::path& root) {
  const auto& parties = dkx::testing::parties();
  Corpus requests(root, "dkx_request");
  Corpus answers(root, "dkx_answer");
  for (const auto& sample : dkx::testing::sample_requests()) requests.add(encode(sample));
  const Bytes body = encode(dkx::RequestBody{dkx::testing::sample_key_request(dkx::Intent::kRead)});
  const auto request =
      dkx::sign_request(1, body, dkx::SignerKind::kDrive, parties.drive.key, &parties.drive.certificate);
  requests.add(encode(request));
  requests.add(encode(dkx::sign_request(2, body, dkx::SignerKind::kProxy, parties.proxy.key, nullptr)));
  for (const auto& sample : dkx::testing::sample_answers()) answers.add(encode(sample));
  answers.add(encode(dkx::sign_answer(request, encode(dkx::testing::sample_answers().back()),
                                      parties.server.key, parties.server.certificate.fingerprint())));
}

void write_values(const std::filesystem::path& root) {
  Corpus corpus(root, "eedk");
  auto set = dkx::testing::sample_eedk_set(dkx::testing::uuid_of(4));
  corpus.add(encode(set));
  for (const auto& eedk : set.eedks) corpus.add(encode(eedk));
  corpus.add(encode(*set.seal));
  set.seal.reset();
  corpus.add(encode(set));
  corpus.add(as_bytes("KEY1"));
  corpus.add(as_bytes("TPW00A1B2C3D400000005"));
}

void write_ttlv(const std::filesystem::path& root) {
  Corpus corpus(root, "ttlv");
  constexpr ttlv::Tag kTag{0x420020};
  ttlv::Writer out;
  out.begin(kTag).add_integer(kTag, -1).add_long_integer(kTag, 1).add_big_integer(kTag, Bytes(9, 1));
  out.add_enumeration(kTag, 7U)
      .add_boolean(kTag, true)
      .add_text(kTag, "tape \xC3\xA9")
      .add_bytes(kTag, Bytes(3));
  out.add_date_time(kTag, 1).add_interval(kTag, 2).add_date_time_extended(kTag, 3);
  out.begin(kTag).begin(kTag).end().end().end();
  const Bytes all = out.take();
  corpus.add(all);
  const auto document = ttlv::decode(all);
  TW_ASSERT(document.has_value());
  for (const ttlv::Item child : document->root().children()) corpus.add(child.encoding());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz_seeds DIRECTORY\n";
    return 2;
  }
  write_exchange(argv[1]);
  write_values(argv[1]);
  write_ttlv(argv[1]);
  return 0;
}

#include "eedk/tags.h"

#include <array>
#include <utility>

namespace tapewarden::eedk {

namespace {
constexpr std::array<std::pair<ttlv::Tag, std::string_view>, 15> kNames{{
    {kTagEedk, "EEDK"},
    {kTagVersion, "version"},
    {kTagWrapAlgorithm, "wrap algorithm"},
    {kTagLabel, "label"},
    {kTagLabelHash, "label hash"},
    {kTagWrappedKey, "wrapped key"},
    {kTagEedkSet, "EEDK set"},
    {kTagSealedContent, "sealed content"},
    {kTagVolume, "volume UUID"},
    {kTagKeyCheckValue, "key check value"},
    {kTagSealServer, "seal server"},
    {kTagSealCertificate, "seal certificate"},
    {kTagSealSignature, "seal signature"},
    {kTagSedk, "SEDK"},
    {kTagSeal, "seal"},
}};
}  // namespace

std::string_view tag_name(ttlv::Tag tag) {
  for (const auto& [known, name] : kNames) {
    if (known == tag) return name;
  }
  return {};
}

}  // namespace tapewarden::eedk

#include "kmip/encoding/media.h"

#include <gtest/gtest.h>

#include "kmip/tags.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip::encoding {
namespace {

TEST(Media, K21_AContentTypeIsKnownInAnyCaseAndWithParameters) {
  EXPECT_EQ(media_of("application/octet-stream"), Media::kTtlv);
  EXPECT_EQ(media_of("text/xml"), Media::kXml);
  EXPECT_EQ(media_of(" Text/XML ; charset=utf-8"), Media::kXml);
  EXPECT_EQ(media_of("application/xml"), Media::kXml);
  EXPECT_EQ(media_of("application/json;charset=UTF-8"), Media::kJson);
  EXPECT_EQ(media_of("text/plain"), std::nullopt);
  EXPECT_EQ(media_of("text/xmlx"), std::nullopt);
  EXPECT_EQ(media_of(""), std::nullopt);
  EXPECT_EQ(media_of(";"), std::nullopt);
}

TEST(Media, K21_AMessageComesBackFromEachEncodingAsItWas) {
  ttlv::Writer out;
  out.begin(tag::kRequestMessage);
  out.add_bytes(tag::kKeyMaterial, Bytes(40'000, 0xA5));
  out.add_integer(tag::kBatchCount, 1);
  out.end();
  const auto message = out.take();
  for (const auto media : {Media::kTtlv, Media::kXml, Media::kJson}) {
    const auto text = from_ttlv(media, message);
    ASSERT_TRUE(text) << text.error().text();
    const auto back = to_ttlv(media, *text);
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(*back, message) << content_type(media);
    EXPECT_EQ(media_of(content_type(media)), media);
  }
}

TEST(Media, K21_WhatIsNoMessageIsRefused) {
  EXPECT_EQ(to_ttlv(Media::kXml, as_bytes("{}")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(to_ttlv(Media::kJson, as_bytes("<a/>")).error().code, ErrorCode::kInvalidArgument);
  ttlv::Limits small;
  small.items = 1;
  const auto text =
      as_bytes(R"({"tag":"RequestMessage","value":[{"tag":"BatchCount","type":"Integer","value":1}]})");
  EXPECT_TRUE(to_ttlv(Media::kJson, text));
  EXPECT_EQ(to_ttlv(Media::kJson, text, small).error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace tapewarden::kmip::encoding

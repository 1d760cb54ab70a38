// Locate: how attributes are compared, patterns where a version has them, order, and what is on line.
#include <gtest/gtest.h>
#include <set>

#include "kmip_rules.h"

namespace tapewarden::conformance {
namespace {

// An Attribute of KMIP 1.x.
std::string attribute(std::string_view name, std::string_view value) {
  return structure("Attribute", concat(text("AttributeName", name), value));
}
std::string name_value(std::string_view value) {
  return attribute("Name",
                   structure("AttributeValue",
                             text("NameValue", value) + enumeration("NameType", "UninterpretedTextString")));
}
std::string barcode(std::string_view value) {
  return structure("AlternativeName", text("AlternativeNameValue", value) +
                                          enumeration("AlternativeNameType", "UninterpretedTextString"));
}
std::string tape_key(std::string_view space, std::string_view data) {
  return structure("ApplicationSpecificInformation",
                   text("ApplicationNamespace", space) + text("ApplicationData", data));
}

class KmipLocate : public KmipRules {
 protected:
  // The identifiers found, in their order.
  std::vector<std::string> found(std::string_view payload, int major = 2, int minor = 1) {
    return all_of(ask({item("Locate", payload)}, {}, major, minor));
  }
  std::vector<std::string> found_in_1(std::string_view payload) { return found(payload, 1, 4); }
  std::vector<std::string> found_by(std::string_view attributes) {
    return found(structure("Attributes", attributes));
  }
  static std::vector<std::string> all_of(const Answer& answer) {
    EXPECT_EQ(answer.outcome(), "Success") << answer.text();
    static constexpr std::string_view kBefore = "<UniqueIdentifier type=\"TextString\" value=\"";
    std::vector<std::string> out;
    for (auto at = answer.text().find(kBefore); at != std::string::npos;
         at = answer.text().find(kBefore, at + 1)) {
      out.push_back(answer.text().substr(at + kBefore.size(), 36));
    }
    return out;
  }
};
using Ids = std::vector<std::string>;

TEST_F(KmipLocate, K21_APatternFindsByTextsInKmip1) {
  const auto one = create(128, "Encrypt", name_attribute("vault-1") + barcode("AB0001L6"));
  const auto two = create(128, "Encrypt", name_attribute("vault-2") + barcode("AB0002L6"));
  const auto other = create(128, "Encrypt", name_attribute("cellar") + text("Comment", "of the cellar"));
  const auto by_name = found_in_1(name_value("vault-*"));
  EXPECT_EQ(std::set(by_name.begin(), by_name.end()), (std::set{one, two}));
  EXPECT_EQ(found_in_1(name_value("vault-[2-9]")), Ids{two});
  EXPECT_EQ(found_in_1(name_value("?ellar")), Ids{other});
  EXPECT_EQ(found_in_1(name_value("c?r")), Ids{});
  EXPECT_EQ(found_in_1(attribute("Comment", text("AttributeValue", "*cellar"))), Ids{other});
  EXPECT_EQ(found_in_1(attribute("Unique Identifier", text("AttributeValue", "*"))), Ids{})
      << "what names one object is no pattern";
  const auto tape =
      attribute("Alternative Name", structure("AttributeValue", text("AlternativeNameValue", "AB*1L6")));
  EXPECT_EQ(found_in_1(tape), Ids{one});
  // All of a request's attributes have to fit.
  EXPECT_EQ(
      found_in_1(name_value("vault-*") + attribute("Cryptographic Length", number("AttributeValue", 256))),
      Ids{});
  EXPECT_EQ(found(name_value("vault-*"), 1, 0).size(), 2U) << "1.0 has patterns already";
}

TEST_F(KmipLocate, K21_APatternFindsByBytesInKmip1) {
  const auto vendor = [](std::string_view value) {
    return structure("Attribute", concat(text("VendorIdentification", "x"), text("AttributeName", "Serial"),
                                         bytes("AttributeValue", value)));
  };
  const auto id = create(128, "Encrypt", vendor("0102ff04"));
  create(128, "Encrypt", vendor("0502ff04"));
  EXPECT_EQ(found_in_1(attribute("x-Serial", bytes("AttributeValue", "01022a"))), Ids{id}) << "01 02 *";
  EXPECT_EQ(found_in_1(attribute("x-Serial", bytes("AttributeValue", "01023f04"))), Ids{id}) << "01 02 ? 04";
  EXPECT_EQ(found_in_1(attribute("x-Serial", bytes("AttributeValue", "01023f"))), Ids{});
}

TEST_F(KmipLocate, K21_Kmip2HasNoPatterns) {
  create(128, "Encrypt", name_attribute("vault-1"));
  EXPECT_EQ(found_by(name_attribute("vault-*")), Ids{});
  const auto odd = create(128, "Encrypt", name_attribute("vault-*"));
  EXPECT_EQ(found_by(name_attribute("vault-*")), Ids{odd});
}

TEST_F(KmipLocate, K21_AValueThatAnObjectHasIsNoPattern) {
  create(128, "Encrypt", name_attribute("vault-1"));
  const auto odd = create(128, "Encrypt", name_attribute("vault-?"));
  EXPECT_EQ(found_in_1(name_value("vault-?")), Ids{odd});
  // A backslash says which is meant where no object has it as it stands.
  EXPECT_EQ(found_in_1(name_value("vault-\\?")), Ids{odd});
}

TEST_F(KmipLocate, K21_TheKeyOfACartridgeIsFoundByNoPattern) {
  const auto id = create(256, "Encrypt", tape_key("LIBRARY-LTO6", "0A0B"));
  const auto wanted = [](std::string_view space, std::string_view data) {
    return attribute(
        "Application Specific Information",
        structure("AttributeValue", text("ApplicationNamespace", space) + text("ApplicationData", data)));
  };
  EXPECT_EQ(found_in_1(wanted("LIBRARY-LTO6", "0A*")), Ids{});
  EXPECT_EQ(found_in_1(wanted("HPE-LIBRARY-LTO6", "0A0?")), Ids{});
  EXPECT_EQ(found_in_1(wanted("*", "0A*")), Ids{});
  EXPECT_EQ(found_in_1(wanted("HPE-LIBRARY-LTO6", "0A0B")), Ids{id});
  const auto other = create(128, "Encrypt", tape_key("files", "one.txt"));
  EXPECT_EQ(found_in_1(wanted("files", "*.txt")), Ids{other});
}

TEST_F(KmipLocate, K21_AStructureIsComparedByTheFieldsThatAreGiven) {
  const auto parameters = structure("CryptographicParameters", enumeration("BlockCipherMode", "CBC") +
                                                                   enumeration("PaddingMethod", "PKCS5"));
  const auto one =
      create(256, "Encrypt", concat(name_attribute("one"), parameters, tape_key("HPE-LIBRARY-LTO6", "0A")));
  create(128, "Encrypt", name_attribute("two"));
  EXPECT_EQ(found_by(structure("Name", text("NameValue", "one"))), Ids{one});
  EXPECT_EQ(found_by(structure("CryptographicParameters", enumeration("BlockCipherMode", "CBC"))), Ids{one});
  EXPECT_EQ(found_by(structure("CryptographicParameters", enumeration("BlockCipherMode", "GCM"))), Ids{});
  EXPECT_EQ(
      found_by(structure("ApplicationSpecificInformation", text("ApplicationNamespace", "LIBRARY-LTO6"))),
      Ids{one});
  EXPECT_EQ(found_by(structure("Name", enumeration("NameType", "UninterpretedTextString"))).size(), 2U);
  const auto next = ask(item("ReKey", named(one))).value("UniqueIdentifier");
  EXPECT_EQ(found_by(structure("Link", text("LinkedObjectIdentifier", one))), Ids{next})
      << "whatever type the link is of";
  EXPECT_EQ(ask(item("Locate", structure("Attributes", structure("Name", text("Comment", "x"))))).outcome(),
            "InvalidField");
  // An object is made with whole structures alone.
  EXPECT_EQ(ask(create_item(128, "Encrypt", structure("Name", text("NameValue", "half")))).outcome(),
            "InvalidField");
}

TEST_F(KmipLocate, K21_UsageLimitsAreFoundByAsMuchAtLeast) {
  const auto limits = [](int total, std::string_view count = {}) {
    return structure("UsageLimits", concat(field("UsageLimitsTotal", "LongInteger", std::to_string(total)),
                                           count, enumeration("UsageLimitsUnit", "Object")));
  };
  const auto id = create(128, "Encrypt", concat(active(), limits(100)));
  create(128, "Encrypt");
  ASSERT_EQ(
      ask(item("GetUsageAllocation", named(id) + field("UsageLimitsCount", "LongInteger", "60"))).outcome(),
      "Success");
  EXPECT_EQ(found_by(limits(50)), Ids{id});
  EXPECT_EQ(found_by(limits(101)), Ids{});
  EXPECT_EQ(found_by(limits(50, field("UsageLimitsCount", "LongInteger", "40"))), Ids{id});
  EXPECT_EQ(found_by(limits(50, field("UsageLimitsCount", "LongInteger", "41"))), Ids{});
}

TEST_F(KmipLocate, K21_TheLargestDateStandsForNone) {
  const auto dated = create(128, "Encrypt", active());
  const auto undated = create(128, "Encrypt");
  const auto date = [](std::string_view value) { return field("ActivationDate", "DateTime", value); };
  const std::string none = "0x7fffffffffffffff";
  EXPECT_EQ(found_by(date("2001-01-01T00:00:00+00:00")), Ids{dated});
  EXPECT_EQ(found_by(date(none)), Ids{undated});
  EXPECT_EQ(found_by(date("2000-01-01T00:00:00+00:00") + date("2002-01-01T00:00:00+00:00")), Ids{dated});
  EXPECT_EQ(found_by(date("2000-01-01T00:00:00+00:00") + date(none)).size(), 2U);
}

TEST_F(KmipLocate, K21_TheNewestIsFoundFirst) {
  Ids made;
  for (int i = 0; i < 3; ++i) {
    made.insert(made.begin(), create(128, "Encrypt", text("ObjectGroup", "pool")));
    server_.server().clock.advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(found_by(text("ObjectGroup", "pool")), made);
  EXPECT_EQ(found_by(""), made) << "without a term to find them by";
  EXPECT_EQ(found(number("MaximumItems", 1) + structure("Attributes", text("ObjectGroup", "pool"))),
            Ids{made.front()});
  EXPECT_EQ(found(number("OffsetItems", 2) + structure("Attributes", "")), Ids{made.back()});
}

TEST_F(KmipLocate, K21_WhoAsksForOneOfSeveralGoesOnWithTheNewest) {
  create(128, "Encrypt", text("ObjectGroup", "pool"));
  server_.server().clock.advance(std::chrono::seconds(1));
  const auto newest = create(128, "Encrypt", text("ObjectGroup", "pool"));
  const auto pool = structure("Attributes", text("ObjectGroup", "pool"));
  const auto get_with = [&](std::string_view fields) {
    return ask({item("Locate", concat(fields, pool), "01"), item("Get", "", "02")});
  };
  const auto got = get_with(number("MaximumItems", 1));
  EXPECT_EQ(got.outcome(1), "Success") << got.text();
  EXPECT_EQ(got.value("UniqueIdentifier", 1), newest);
  EXPECT_NE(get_with("").outcome(1), "Success");
  EXPECT_NE(get_with(number("MaximumItems", 2)).outcome(1), "Success");
  EXPECT_NE(get_with(number("MaximumItems", 2) + number("OffsetItems", 1)).outcome(1), "Success")
      << "several match, and more than one was asked for";
}

TEST_F(KmipLocate, K21_OfSeveralKeysOfCartridgesNoneIsTakenByItself) {
  const auto tape = [](std::string_view data) {
    return tape_key("HPE-LIBRARY-LTO6", data) + barcode("AB0001L6");
  };
  const auto first = create(256, "Encrypt", tape("0A"));
  const auto locate_and_get = [&] {
    return ask(
        {item("Locate", number("MaximumItems", 1) + structure("Attributes", barcode("AB0001L6")), "01"),
         item("Get", "", "02")});
  };
  EXPECT_EQ(locate_and_get().value("UniqueIdentifier", 1), first);
  server_.server().clock.advance(std::chrono::seconds(1));
  const auto second = create(256, "Encrypt", tape("0B"));
  const auto got = locate_and_get();
  EXPECT_EQ(got.value("UniqueIdentifier", 0), second);
  EXPECT_EQ(got.outcome(1), "ItemNotFound") << got.text();
}

TEST_F(KmipLocate, K21_OnlyWhatIsOnLineIsFoundUnlessAskedForOtherwise) {
  const auto here = create(128, "Encrypt", text("ObjectGroup", "pool"));
  const auto away = create(128, "Encrypt", text("ObjectGroup", "pool"));
  const auto gone = create(128, "Encrypt", text("ObjectGroup", "pool"));
  EXPECT_EQ(ask(item("Archive", named(away))).outcome(), "Success");
  EXPECT_EQ(ask(item("Destroy", named(gone))).outcome(), "Success");
  const auto with = [&](std::string_view mask) {
    return found(concat(mask, structure("Attributes", text("ObjectGroup", "pool"))));
  };
  const auto mask = [](std::string_view value) { return field("StorageStatusMask", "Integer", value); };
  EXPECT_EQ(with(""), Ids{here});
  EXPECT_EQ(with(mask("2")), Ids{away});
  EXPECT_EQ(with(mask("4")), Ids{gone});
  EXPECT_EQ(with(mask("7")).size(), 3U);
}

}  // namespace
}  // namespace tapewarden::conformance

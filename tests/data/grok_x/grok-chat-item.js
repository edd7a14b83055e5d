window.YTD.grok_chat_item.part0 = [
  {
    "grokChatItem" : {
      "postIds" : [ "19631", "19632" ],
      "grokMode" : { "value" : "1", "name" : "Normal", "originalName" : "NORMAL", "annotations" : { } },
      "accountId" : "17216",
      "chatId" : "1981",
      "createdAt" : "2025-10-23T13:11:59.692Z",
      "sender" : { "value" : "2", "name" : "Agent", "originalName" : "AGENT", "annotations" : { } },
      "message" : "By wind.<grok:render card_id=\"e3\" card_type=\"citation_card\">\n<argument name=\"citation_id\">14</argument>\n</grok:render>"
    }
  },
  {
    "grokChatItem" : {
      "grokMode" : { "value" : "1", "name" : "Normal", "originalName" : "NORMAL", "annotations" : { } },
      "accountId" : "17216",
      "chatId" : "1981",
      "createdAt" : "2025-10-23T13:11:59.692Z",
      "sender" : { "value" : "1", "name" : "User", "originalName" : "USER", "annotations" : { } },
      "attachments" : [ { "mediaId" : "m1", "fileName" : "mill.png", "mimeType" : "image/png", "url" : "https://example.org/m1" } ],
      "message" : "How does it turn?"
    }
  },
  {
    "grokChatItem" : {
      "accountId" : "17216",
      "chatId" : "1980",
      "createdAt" : "2025-10-22T09:00:00.000Z",
      "sender" : { "value" : "1", "name" : "User", "originalName" : "USER", "annotations" : { } },
      "message" : "Hello"
    }
  }
]

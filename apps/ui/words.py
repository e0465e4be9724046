"""The words of the pages in Chinese, beside those of the advisor's reports; a missing word stays English."""

from __future__ import annotations

from advisor.phrase import Language, spoken

__all__ = ["CHINESE", "Language", "word"]

CHINESE = {
    # pages
    "Advise": "方案建议",
    "Documents": "文档",
    "Chat": "对话",
    # advise
    "Prompt, retrieve, fine-tune, or combine?": "提示词、检索、微调，还是组合？",
    "Answer what you know; leave the rest open. Every answer is optional.": (
        "知道多少填多少，其余留空；所有问题都可以不答。"
    ),
    "GPU memory (GiB)": "显存（GiB）",
    "Empty: look at this machine": "留空：检测本机",
    "Folder with documents": "文档所在文件夹",
    "File with labelled examples": "标注样例文件",
    "A folder on this machine": "本机上的文件夹",
    "JSONL, JSON or CSV on this machine": "本机上的 JSONL、JSON 或 CSV 文件",
    "Your task": "你的任务",
    "More questions": "更多问题",
    "Not answered": "未回答",
    "Yes": "是",
    "No": "否",
    "Recommend": "给出建议",
    "Nothing is trained or served on a card here, so there is no memory to draw.": "此方案不占用显存，无需绘图。",
    "Remark": "说明",
    "Download plan.json": "下载 plan.json",
    "Download the report": "下载报告",
    "The answer appears here: what to do, why, what it needs, and the command to type.": (
        "结果会显示在这里：做什么、为什么、需要多少资源，以及要输入的命令。"
    ),
    # documents
    "What the assistant may quote from.": "助手可以引用的内容。",
    "Index": "索引",
    "New index…": "新建索引…",
    "Name of the new index": "新索引的名称",
    "Add documents": "添加文档",
    "Upload files": "上传文件",
    "Or a folder on this machine": "或本机上的文件夹",
    "Index now": "开始建立索引",
    "Choose files or name a folder first.": "请先选择文件或填写文件夹。",
    "read": "读取",
    "embed": "向量化",
    "write": "写入",
    "Nothing is indexed here yet: upload files or name a folder above, then press Index now.": (
        "这里还没有内容：请在上方上传文件或填写文件夹，然后点击“开始建立索引”。"
    ),
    "Document": "文档",
    "Title": "标题",
    "Date": "日期",
    "Passages": "片段数",
    "Characters": "字符数",
    "Remove documents": "移除文档",
    "Remove": "移除",
    "Choose documents": "选择文档",
    "indexed": "已索引",
    "unchanged": "未变化",
    "removed": "已移除",
    "Not read": "未能读取",
    "Skipped": "已跳过",
    # chat
    "Retrieval": "检索文档",
    "Adapter": "适配器",
    "New conversation": "新对话",
    "Answers are written by": "回答由以下模型生成",
    "quotes from the documents (no model)": "直接引用文档（不用模型）",
    "Type a question": "输入问题",
    "Ask your documents": "向文档提问",
    "Every answer shows where it stands. What the documents do not say is not answered.": (
        "每个回答都标明出处；文档没有的内容不会作答。"
    ),
    "There is no index yet. Open Documents in the menu and add some.": "还没有索引。请在菜单中打开“文档”并添加。",
    "Retrieval is off and no model is loaded, so nobody can answer. Switch retrieval on, or start with: "
    "advisor chat --model NAME": (
        "检索已关闭且没有加载模型，无法作答。请打开检索，或用此命令启动：advisor chat --model NAME"
    ),
    "Not in the documents": "文档中没有答案",
    "Nearest passages": "最接近的片段",
    "Good answer": "回答得好",
    "Bad answer": "回答不好",
    "Thank you, noted.": "谢谢，已记录。",
    "What should the answer have been? (optional)": "正确的回答应该是什么？（选填）",
    "Send correction": "提交更正",
    "Some sentences have no source that supports them.": "部分句子没有找到支持的出处。",
    "Reading the documents…": "正在查阅文档…",
    "The answer broke off": "回答中断",
    # how an answer was found
    "How this was found": "检索过程",
    "Searched as": "实际检索",
    "By meaning": "按语义",
    "By words": "按词语",
    "not used": "未使用",
    "Newer versions that stand before older ones": "排在旧版之前的新版内容",
    "Not among the hits": "未入选的片段",
    "Rank": "名次",
    "Score": "得分",
    "Page": "页",
    "Older": "旧版",
    "Newer": "新版",
}


def word(text: str, language: Language) -> str:
    """The word, or the advisor's sentence, in the language of the page."""
    if language == "zh" and text in CHINESE:
        return CHINESE[text]
    return spoken(text, language)

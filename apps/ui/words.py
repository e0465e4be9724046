"""The words of the pages in Chinese, beside those of the advisor's reports; a missing word stays English."""

from __future__ import annotations

from advisor.phrase import Language, spoken
from apps.ui.news_words import NEWS

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
    "split": "切分",
    "embed": "向量化",
    "Embedder": "向量模型",
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
    # feedback
    "Feedback": "反馈",
    "What people thought of answers, and rows to train on that are made of it.": (
        "大家对回答的评价，以及由此生成的训练数据。"
    ),
    "No thumbs yet. Ask something in the chat and judge the answer.": "还没有评价。请在“对话”中提问并评价回答。",
    "Good answers": "好评",
    "Bad answers": "差评",
    "Corrections": "更正",
    "Correction": "更正内容",
    "All": "全部",
    "Good": "好",
    "Bad": "差",
    "Thumb": "评价",
    "Question": "问题",
    "Answer": "回答",
    "Written by": "回答者",
    "Time": "时间",
    "Rows to train on": "训练数据",
    "Format": "格式",
    "KTO: answers with a thumb": "KTO：带好评或差评的回答",
    "DPO: a better and a worse answer": "DPO：较好与较差的回答对",
    "SFT: answers to learn": "SFT：值得学习的回答",
    "Only what no export took yet": "只导出尚未导出的数据",
    "Hide e-mail addresses, phone and card numbers": "隐藏邮箱、电话和卡号",
    "Names and addresses cannot be found reliably: look at the file before you pass it on.": (
        "姓名和住址无法可靠识别：转交文件前请先检查。"
    ),
    "Export": "导出",
    "Rows": "行数",
    "Taken": "已采用",
    "Duplicates": "重复",
    "Contradictions": "矛盾",
    "Unusable": "不可用",
    "Hidden": "已隐藏",
    "Download": "下载",
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

# Why feedback makes no row of its own: sentences of the modules that make preferences.
REASONS = {
    "a later thumb on the same answer holds": "同一回答以后来的评价为准",
    "the same answer with the same thumb": "同一回答的相同评价",
    "the same correction of the same answer": "对同一回答的相同更正",
    "as many people like the answer as dislike it": "好评与差评人数相同",
    "outvoted by other thumbs on the same answer": "与同一回答的多数评价相反",
    "as many prefer the one answer as the other": "偏好两个回答的人数相同",
    "more people prefer the other answer": "更多人偏好另一个回答",
    "the answers are preferred to one another in a circle": "回答之间的偏好形成循环",
    "liked, and no other answer to the question is disliked": "好评，但该问题没有差评的回答可比较",
    "disliked without a correction, and no other answer to the question is liked": (
        "差评且没有更正，该问题也没有好评的回答"
    ),
    "disliked, and there is no correction to learn": "差评，且没有可学习的更正",
    "a disliked refusal: without a correction nobody knows whether its sources hold the answer": (
        "拒答得到差评：没有更正，无法判断出处是否含有答案"
    ),
    "a refusal without the sources that it is about": "拒答，但没有相应的出处",
    "the answer is empty": "回答为空",
    "the answer is a classifier's label and no text that a model wrote": "回答是分类标签，不是模型写的文本",
    "a turn of the conversation is empty": "对话中有空白的一轮",
    "every answer is liked: KTO learns from both, so collect some that are disliked": (
        "全部为好评：KTO 需要好评和差评，请再收集一些差评"
    ),
    "every answer is disliked: KTO learns from both, so collect some that are liked": (
        "全部为差评：KTO 需要好评和差评，请再收集一些好评"
    ),
}


def word(text: str, language: Language) -> str:
    """The word, or the advisor's sentence, in the language of the page."""
    if language == "zh" and (found := CHINESE.get(text) or NEWS.get(text) or REASONS.get(text)):
        return found
    return spoken(text, language)
